"""Servers of object stores on this machine: moto's S3, and a Google Cloud Storage in memory."""

import base64
import contextlib
import hashlib
import http.server
import itertools
import logging
import re
import threading
import urllib.parse
import urllib.request
from collections import deque
from xml.sax.saxutils import escape

import pytest

from . import local_server

PAGE = 3
"""Objects on a page of a list, so that every list of a model has several."""
TIME = "2026-01-01T00:00:00.000Z"


class FakeGcs(http.server.ThreadingHTTPServer):
    """The XML interface of Google Cloud Storage: generations, preconditions, metadata, pages of lists, upload in parts.

    Objects live in memory; `faults` holds statuses that the next requests get instead of an answer.
    """

    daemon_threads = True

    def __init__(self, port=0, requests=None):
        super().__init__(("127.0.0.1", port), requests or Requests)
        self.objects = {}
        self.parts = {}
        self.metadata = {}
        self.requests = []
        self.faults = deque()
        self.denied = ""
        self.lock = threading.Lock()
        self.generations = itertools.count(1)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def put(self, bucket, name, data):
        """Store an object, as another tool would: the name may end with a slash."""
        self.objects[bucket, name] = (data, next(self.generations))
        self.metadata.pop((bucket, name), None)
        return self.objects[bucket, name]

    def entries(self, bucket, prefix, delimiter):
        """Return name -> whether it is a folder, which ends with the delimiter, of what lies below a prefix."""
        entries = {}
        for name in sorted(name for owner, name in self.objects if owner == bucket and name.startswith(prefix)):
            end = name.find(delimiter, len(prefix)) if delimiter else -1
            entries[name if end < 0 else name[: end + len(delimiter)]] = end >= 0
        return entries


class Requests(http.server.BaseHTTPRequestHandler):
    server: FakeGcs
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer: else each waits 40 ms for an acknowledgement
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=None):
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_request(self):
        body, server = self.body(), self.server
        path, _, query = self.path.partition("?")
        options = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        if self.act_on(path, options, body):
            return
        bucket, _, name = urllib.parse.unquote(path).lstrip("/").partition("/")
        with server.lock:
            server.requests.append((self.command, bucket, name, self.headers.get("Authorization")))
            if server.faults:
                self.answer(server.faults.popleft(), b"<Error><Code>ServiceUnavailable</Code></Error>")
            elif bucket == server.denied:
                self.answer(403, b"<Error><Code>AccessDenied</Code></Error>")
            elif not bucket.startswith("bucket"):
                self.answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
            else:
                self.act(bucket, name, options, body)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def act_on(self, path, options, body):
        """Answer a request of another interface than XML, and return whether it was one."""
        return False

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_request  # noqa: N815

    def act(self, bucket, name, options, body):
        server, key = self.server, (bucket, name)
        if self.command == "POST":
            self.parts_of_upload(key, options)
        elif self.command == "PUT" and "uploadId" in options:
            server.parts[options["uploadId"]][int(options["partNumber"])] = body
            self.answer(200, headers={"ETag": f'"{options["partNumber"]}"'})
        elif self.command == "PUT":
            expected_generation = self.headers.get("x-goog-if-generation-match")
            if expected_generation is not None and int(expected_generation) != (
                server.objects[key][1] if key in server.objects else 0
            ):
                self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
                return
            if source := self.headers.get("x-goog-copy-source"):
                body = server.objects[tuple(urllib.parse.unquote(source).split("/", 1))][0]
            stored = server.put(bucket, name, body)
            server.metadata[key] = {k: v for k, v in self.headers.items() if k.lower().startswith("x-goog-meta-")}
            self.stored(*stored)
        elif not name:
            self.list_objects(bucket, options)
        elif key not in server.objects:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        elif self.command == "DELETE":
            del server.objects[key]
            self.answer(204)
        elif self.headers.get("If-Match") not in (None, self.tag(server.objects[key][0])):
            self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
        else:
            self.stored(*server.objects[key], content=True, metadata=server.metadata.get(key))

    def tag(self, data):
        return f'"{base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()}"'

    def stored(self, data, generation, *, content=False, metadata=None):
        headers = {
            **(metadata or {}),
            "ETag": self.tag(data),
            "x-goog-generation": str(generation),
            "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
        }
        status, chosen = 200, byte_range(self.headers.get("Range"), len(data))
        if chosen:
            begin, end = chosen
            headers["Content-Range"] = f"bytes {begin}-{end}/{len(data)}"
            status, data = 206, data[begin : end + 1]
        self.answer(status, data if content else b"", headers)

    def parts_of_upload(self, key, options):
        server = self.server
        if "uploads" in options:
            upload = f"upload-{next(server.generations)}"
            server.parts[upload] = {}
            body = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
        else:
            data = b"".join(data for _, data in sorted(server.parts.pop(options["uploadId"]).items()))
            bucket, name = key
            _, generation = server.put(bucket, name, data)
            body = f'<CompleteMultipartUploadResult><ETag>"{generation}"</ETag></CompleteMultipartUploadResult>'
        self.answer(200, body.encode())

    def list_objects(self, bucket, options):
        prefix, delimiter = options.get("prefix", ""), options.get("delimiter", "")
        entries = {}
        for name, is_folder in self.server.entries(bucket, prefix, delimiter).items():
            if is_folder:
                entries[name] = f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
            else:
                data = self.server.objects[bucket, name][0]
                entries[name] = (
                    f"<Contents><Key>{escape(name)}</Key><Size>{len(data)}</Size>"
                    f"<LastModified>{TIME}</LastModified><ETag>{self.tag(data)}</ETag></Contents>"
                )
        begin = int(options.get("continuation-token") or 0)
        page = list(entries.values())[begin : begin + PAGE]
        more = begin + PAGE < len(entries)
        token = f"<NextContinuationToken>{begin + PAGE}</NextContinuationToken>" if more else ""
        self.answer(200, f"<ListBucketResult>{''.join(page)}{token}</ListBucketResult>".encode())


def byte_range(header, size):
    """Return the first and last byte that a Range header asks for; None without one."""
    chosen = re.match(r"bytes=(\d+)-(\d*)", header or "")
    return (int(chosen[1]), min(int(chosen[2] or size), size - 1)) if chosen else None


@contextlib.contextmanager
def fake_gcs():
    """Yield a running server."""
    with local_server.running(FakeGcs()) as server:
        yield server


@contextlib.contextmanager
def moto_s3():
    """Yield the URL of a running S3 server with a bucket `bucket`."""
    with s3_server() as port:
        url = f"http://127.0.0.1:{port}"
        request(f"{url}/bucket", "PUT")
        yield url


@contextlib.contextmanager
def s3_server(port=0, context=None):
    """Run moto's S3, over TLS if a context is given; yields the port."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application, lock = DomainDispatcherApplication(create_backend_app), threading.Lock()

    def one_at_a_time(*request):
        # moto looks for an object and then writes it: two conditional requests at once would both succeed.
        with lock:
            return application(*request)

    options = {"threaded": True, "request_handler": MotoRequestHandler, "ssl_context": context}
    with local_server.running(make_server("127.0.0.1", port, one_at_a_time, **options)) as server:
        yield server.server_address[1]


def request(url, method, data=b""):
    """Send a request as another tool would; names may end with a slash."""
    with urllib.request.urlopen(urllib.request.Request(url, method=method, data=data)) as answer:
        return answer.read()


@pytest.fixture(scope="session")
def s3_url():
    with moto_s3() as url:
        yield url


@pytest.fixture
def gcs(monkeypatch):
    with fake_gcs() as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield server


@pytest.fixture
def s3(s3_url, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-of-s3")
    return s3_url
