"""Google's storage, over TLS, and metadata server, as the clients of TensorFlow, Beam and obstore use them.

The XML interface is that of tests/object_stores.py. TensorFlow's client looks up, lists, writes, copies and deletes
through the JSON interface (https://cloud.google.com/storage/docs/json_api) and reads through the XML one; Beam's uses
the JSON interface for all, and batches.
"""

import contextlib
import email
import email.policy
import http.server
import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from .. import certificates, local_server
from ..object_stores import PAGE, TIME, FakeGcs, Requests, byte_range

HOSTS = ("storage.googleapis.com", "www.googleapis.com", "oauth2.googleapis.com", "metadata.google.internal")
TOKEN = "canary-of-google"
_BUCKET = r"(?:/download)?/storage/v1/b/(?P<bucket>[^/]+)"
_OBJECT = rf"{_BUCKET}/o/(?P<name>[^/]+)"
_MACHINE: dict[str, Any] = {
    "/": "",
    "/computeMetadata/v1/project/project-id": "project-one",
    "/computeMetadata/v1/universe/universe-domain": "googleapis.com",
    "/computeMetadata/v1/instance/service-accounts/default/": {"email": "someone@project", "scopes": ["all"]},
    "/computeMetadata/v1/instance/service-accounts/default/token": {
        "access_token": TOKEN,
        "expires_in": 3600,
        "token_type": "Bearer",
    },
}
"""Path of the metadata server -> answer."""
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class _Answer(NamedTuple):
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = MappingProxyType({})


class _Asked(NamedTuple):
    """A request: what the path names, the query, the headers in lower case, and the body."""

    method: str
    names: dict[str, str]
    options: dict[str, str]
    headers: dict[str, str]
    body: bytes


def _json(value: Any, status: int = 200) -> _Answer:
    return _Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


def _refused(status: int, message: str) -> _Answer:
    return _json({"error": {"code": status, "message": message, "errors": [{"message": message}]}}, status)


class _Storage(Requests):
    """Both interfaces of the storage; a request without the token of the metadata server is refused."""

    def act_on(self, path: str, options: dict[str, str], body: bytes) -> bool:
        """Answer a request of the JSON interface; return False if it is one of the XML interface."""
        headers = {key.lower(): value for key, value in self.headers.items()}
        if headers.get("authorization") != f"Bearer {TOKEN}":
            self.answer(*_refused(401, "no token"))
            return True
        with self.server.lock:
            found = self._answer(self.command, path, options, headers, body)
        if found is not None:
            self.server.requests.append((self.command, "", self.path, headers["authorization"]))
            self.answer(*found)
        return found is not None

    def _answer(
        self, method: str, path: str, options: dict[str, str], headers: dict[str, str], body: bytes
    ) -> _Answer | None:
        routes = (
            (r"/batch/storage/v1", self._batch),
            (r"/(?:resumable/)?upload/storage/v1/b/(?P<bucket>[^/]+)/o", self._upload),
            (rf"{_OBJECT}/(?:rewriteTo|copyTo)/b/(?P<to_bucket>[^/]+)/o/(?P<to_name>[^/]+)", self._copy),
            (_OBJECT, self._object),
            (rf"{_BUCKET}/o", self._list),
            (rf"{_BUCKET}(?:/storageLayout)?", self._bucket),
        )
        for pattern, act in routes:
            if match := re.fullmatch(pattern, path):
                names = {key: urllib.parse.unquote(text) for key, text in match.groupdict().items()}
                return act(_Asked(method, names, options, headers, body))
        return None

    def _resource(self, bucket: str, name: str) -> dict[str, str]:
        data, generation = self.server.objects[bucket, name]
        facts = {"bucket": bucket, "name": name, "size": str(len(data)), "generation": str(generation)}
        return {**facts, "updated": TIME, "timeCreated": TIME, "etag": self.tag(data), "md5Hash": self.tag(data)[1:-1]}

    def _bucket(self, asked: _Asked) -> _Answer:
        return _json({"name": asked.names["bucket"], "location": "EU", "storageClass": "STANDARD"})

    def _object(self, asked: _Asked) -> _Answer:
        key = asked.names["bucket"], asked.names["name"]
        if key not in self.server.objects:
            return _refused(404, f"No such object: {'/'.join(key)}")
        if asked.method == "DELETE":
            del self.server.objects[key]
            return _Answer(204)
        if asked.options.get("alt") != "media":
            return _json(self._resource(*key))
        data, generation = self.server.objects[key]
        headers = {"x-goog-generation": str(generation), "Content-Type": "application/octet-stream"}
        chosen = byte_range(asked.headers.get("range"), len(data))
        if not chosen:
            return _Answer(200, data, headers)
        begin, end = chosen
        if begin > end:
            return _Answer(416, b"", headers)
        return _Answer(206, data[begin : end + 1], {**headers, "Content-Range": f"bytes {begin}-{end}/{len(data)}"})

    def _copy(self, asked: _Asked) -> _Answer:
        source = asked.names["bucket"], asked.names["name"]
        if source not in self.server.objects:
            return _refused(404, f"No such object: {'/'.join(source)}")
        target = asked.names["to_bucket"], asked.names["to_name"]
        self.server.put(*target, self.server.objects[source][0])
        resource = self._resource(*target)
        size = {"totalBytesRewritten": resource["size"], "objectSize": resource["size"]}
        return _json({"done": True, "resource": resource, **size})

    def _list(self, asked: _Asked) -> _Answer:
        prefix, delimiter = asked.options.get("prefix", ""), asked.options.get("delimiter", "")
        entries = self.server.entries(asked.names["bucket"], prefix, delimiter)
        first = int(asked.options.get("pageToken") or 0)
        last = first + min(int(asked.options.get("maxResults") or PAGE), PAGE)
        page = list(entries.items())[first:last]
        answer: dict[str, Any] = {
            "items": [self._resource(asked.names["bucket"], name) for name, folder in page if not folder],
            "prefixes": [name for name, folder in page if folder],
            "nextPageToken": str(last) if last < len(entries) else "",
        }
        return _json({key: value for key, value in answer.items() if value})

    def _upload(self, asked: _Asked) -> _Answer:
        bucket, kind = asked.names["bucket"], asked.options.get("uploadType")
        if "upload_id" in asked.options:
            return self._part(asked)
        if kind == "multipart":
            _, about, content, _ = asked.body.split(b"--" + _boundary(asked.headers["content-type"]))
            name = json.loads(about.partition(b"\r\n\r\n")[2])["name"]
            return self._put(bucket, name, content.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n"))
        name = asked.options.get("name") or json.loads(asked.body)["name"]
        if kind != "resumable":
            return self._put(bucket, name, asked.body)
        upload = f"upload-{next(self.server.generations)}"
        self.server.parts[upload] = {"name": name, "data": b""}
        query = urllib.parse.urlencode({"uploadType": kind, "upload_id": upload})
        return _Answer(200, b"", {"Location": f"https://{HOSTS[1]}/upload/storage/v1/b/{bucket}/o?{query}"})

    def _part(self, asked: _Asked) -> _Answer:
        session = self.server.parts[asked.options["upload_id"]]
        place = _RANGE.fullmatch(asked.headers.get("content-range", ""))
        session["data"] = session["data"][: int(place[1]) if place else None] + asked.body
        if place and (place[3] == "*" or int(place[3]) > len(session["data"])):
            return _Answer(308, b"", {"Range": f"bytes=0-{len(session['data']) - 1}"})
        return self._put(asked.names["bucket"], session["name"], session["data"])

    def _put(self, bucket: str, name: str, data: bytes) -> _Answer:
        self.server.put(bucket, name, data)
        return _json(self._resource(bucket, name))

    def _batch(self, asked: _Asked) -> _Answer:
        head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
        message = email.message_from_bytes(head + asked.body, policy=email.policy.HTTP)
        answers = []
        for part in message.iter_parts():
            request, _, body = part.get_payload(decode=True).partition(b"\n\n")
            method, uri, *_ = request.decode().split()
            path, _, query = uri.partition("?")
            options = dict(urllib.parse.parse_qsl(query))
            answer = self._answer(method, urllib.parse.urlsplit(path).path, options, {}, body)
            assert answer is not None, uri
            status, content, _ = answer
            lines = ["--batch", "Content-Type: application/http", ""]  # the client goes by their order
            lines += [f"HTTP/1.1 {status} Answer", "Content-Type: application/json", f"Content-Length: {len(content)}"]
            answers.append("\r\n".join([*lines, "", ""]).encode() + content + b"\r\n")
        return _Answer(200, b"".join([*answers, b"--batch--"]), {"Content-Type": "multipart/mixed; boundary=batch"})


def _boundary(content_type: str) -> bytes:
    return content_type.partition("boundary=")[2].partition(";")[0].strip("\"'").encode()


class _Machine(http.server.BaseHTTPRequestHandler):
    """The metadata server of a machine of Google, which gives out the token of its service account."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        value = _MACHINE.get(self.path.partition("?")[0])
        body = (value if isinstance(value, str) else json.dumps(value)).encode()
        self.send_response(404 if value is None else 200)
        kind = "application/text" if isinstance(value, str) else "application/json"
        for key, text in {"Metadata-Flavor": "Google", "Content-Type": kind, "Content-Length": str(len(body))}.items():
            self.send_header(key, text)
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def google(folder: Path) -> Iterator[tuple[FakeGcs, dict[str, str]]]:
    """Serve Google's names in this network namespace; yields the storage, and the variables that make steps trust it.

    Args:
        folder: Folder for the certificates.
    """
    storage = FakeGcs(443, _Storage)
    context = certificates.context(folder, HOSTS)
    storage.socket = context.wrap_socket(storage.socket, server_side=True, do_handshake_on_connect=False)
    machine = http.server.ThreadingHTTPServer(("127.0.0.1", 80), _Machine)
    with local_server.running(storage), local_server.running(machine):
        yield storage, {**certificates.trust(folder), "GCE_METADATA_IP": "127.0.0.1"}
