"""Limits, compression, access from pages, TLS, metrics and the end of the server."""

import asyncio
import contextlib
import gzip
import json
import socket
import ssl
import subprocess
import threading
import tracemalloc
import zlib

import pytest

from errors import ResourceError
from inspection.web.request_guard import host_check
from serving.server.http_protocol import JoinedWrites
from serving.server.server_settings import Limits

from ..served import running

ROW = {"x": 1.5, "n": 2, "word": "abc"}
BODY = {"instances": [ROW]}
SPIN = {"signature_name": "spin", "instances": [100_000]}
"""Takes a large part of a second."""


@pytest.fixture(scope="module")
def limited(tiny):
    limits = Limits(body_bytes=20_000, rows=100, header_bytes=4000)
    options = {"origins": ("https://a.org",), "accepts_host": host_check(["me.example"]), "metrics_path": "/prom"}
    with running(*tiny.settings.models, limits=limits, **options) as served:
        yield served


@pytest.fixture(scope="module")
def impatient(tiny):
    """A server whose time limit is longer than a client's pause between two calls on a loaded machine."""
    with running(*tiny.settings.models, limits=Limits(seconds=1.0)) as served:
        yield served


def test_bodies_that_are_too_large_are_refused_compressed_or_not(limited):
    large = json.dumps({"instances": [ROW], "padding": "a" * 30_000}).encode()
    assert limited.post("/v1/models/tiny:predict", content=large).status_code == 413
    assert limited.post("/v1/models/tiny:predict", content=iter([large[:9000], large[9000:]])).status_code == 413
    bomb = gzip.compress(large)
    assert len(bomb) < 1000
    response = limited.post("/v1/models/tiny:predict", content=bomb, headers={"content-encoding": "gzip"})
    assert (response.status_code, "larger than 20000 bytes" in response.json()["error"]) == (413, True)
    assert limited.predict(BODY).status_code == 200


@pytest.mark.parametrize(("encoding", "body", "status"), [("gzip", b"no", 400), ("br", b"no", 415)])
def test_bodies_that_cannot_be_decompressed_are_refused(tiny, encoding, body, status):
    response = tiny.post("/v1/models/tiny:predict", content=body, headers={"content-encoding": encoding})
    assert response.status_code == status
    cut = gzip.compress(json.dumps(BODY).encode())[:-4]
    response = tiny.post("/v1/models/tiny:predict", content=cut, headers={"content-encoding": "gzip"})
    assert "ends early" in response.json()["error"]


def test_gzip_is_understood_and_used_for_long_responses(tiny):
    body = gzip.compress(json.dumps({"instances": [ROW] * 500}).encode())
    headers = {"content-encoding": "gzip", "accept-encoding": "gzip"}
    response = tiny.post("/v1/models/tiny:predict", content=body, headers=headers)
    assert response.headers["content-encoding"] == "gzip"
    assert response.json() == {"predictions": [8.0] * 500}
    assert "content-encoding" not in tiny.predict(BODY).headers


def test_too_many_rows_are_refused(limited):
    response = limited.predict({"signature_name": "logarithm", "instances": [1.0] * 101})
    assert response.status_code == 413
    assert "may have 100 rows" in response.json()["error"]


def test_a_request_that_takes_too_long_ends_with_504(tiny):
    with running(*tiny.settings.models, limits=Limits(seconds=0.1)) as served:
        response = served.predict(SPIN)
    assert (response.status_code, response.json()["error"]) == (504, "no response within 0.1 seconds")


def test_overload_is_answered_with_503_and_a_time_to_try_again(tiny):
    with running(*tiny.settings.models, limits=Limits(queue_rows=2)) as served:
        responses = []
        threads = [threading.Thread(target=lambda: responses.append(served.predict(SPIN))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {response.status_code for response in responses} == {200, 503}
        refused = next(response for response in responses if response.status_code == 503)
        assert refused.headers["retry-after"] == "1"
        assert "wait already" in refused.json()["error"]


def raw(served, *parts):
    """Send bytes, and return what comes back until the server closes the connection."""
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=120) as connection:
        for part in parts:
            connection.sendall(part)
        received = b""
        while block := connection.recv(65536):
            received += block
        return received


def test_half_sent_heads_and_bodies_are_given_up_after_the_time_limit(impatient):
    assert raw(impatient, b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: loc").startswith(b"HTTP/1.1 408 ")
    assert raw(impatient, b"").startswith(b"HTTP/1.1 408 ")
    head = b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    assert raw(impatient, head, b"{").startswith(b"HTTP/1.1 504 ")


def test_a_half_sent_head_after_a_request_is_given_up_too(impatient):
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for parts in ((request, b"GET /healthz HT"), (request + b"GET /healthz HT",)):
        received = raw(impatient, *parts)
        assert received.startswith(b"HTTP/1.1 200 ")
        assert received.endswith(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")


def test_a_head_that_is_too_large_is_refused(limited):
    assert raw(limited, b"GET / HTTP/1.1\r\nA: ", b"a" * 5000).startswith(b"HTTP/1.1 431 ")


def test_a_head_that_is_sent_byte_by_byte_is_given_up_after_the_time_limit(impatient):
    """Each byte comes in time; the head as a whole does not."""
    host, port = impatient.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=0.02) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nA: ")
        received = b""
        for _ in range(1500):
            with contextlib.suppress(socket.timeout):
                received = connection.recv(100)
                break
            connection.sendall(b"a")
        assert received.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 1\r\nContent-Length: 2\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"A b: c\r\n",
    ],
)
def test_heads_that_two_servers_could_read_differently_are_refused(limited, head):
    request = b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n0\r\n\r\n"
    assert raw(limited, request).startswith(b"HTTP/1.1 400 ")


def test_more_connections_than_allowed_are_refused(tiny):
    with running(*tiny.settings.models, limits=Limits(connections=3)) as served:
        host, port = served.url.removeprefix("http://").split(":")
        ask = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        with contextlib.ExitStack() as held:
            for _ in range(3):
                held.enter_context(socket.create_connection((host, int(port))))
            served.wait(lambda: raw(served, ask).startswith(b"HTTP/1.1 503"))
        served.wait(lambda: raw(served, ask).startswith(b"HTTP/1.1 200"))


def test_huge_bodies_take_no_more_memory_than_the_limit(tiny):
    """A compressed body of 512 MiB is given up after the limit, not after it is in memory."""
    squeezed = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join([squeezed.compress(b" " * 2**20) for _ in range(512)]) + squeezed.flush()
    tracemalloc.start()
    try:
        response = tiny.post("/v1/models/tiny:predict", content=body, headers={"content-encoding": "gzip"})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert response.status_code == 413
    assert peak < 3 * tiny.settings.limits.body_bytes


def test_what_is_no_http_is_refused(limited):
    assert raw(limited, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_pages_of_other_origins_read_responses_only_if_configured(tiny, limited):
    origin = {"origin": "https://a.org"}
    assert "access-control-allow-origin" not in tiny.predict(BODY, headers=origin).headers
    assert limited.predict(BODY, headers=origin).headers["access-control-allow-origin"] == "https://a.org"
    assert "access-control-allow-origin" not in limited.predict(BODY, headers={"origin": "https://b.org"}).headers
    preflight = limited.client.options(f"{limited.url}/v1/models/tiny:predict", headers=origin)
    assert (preflight.status_code, preflight.headers["access-control-allow-methods"]) == (200, "GET, POST, OPTIONS")


def test_host_names_that_dns_could_redirect_are_refused(limited):
    assert limited.get("/v1/models/tiny", headers={"host": "evil.example"}).status_code == 403
    assert limited.get("/v1/models/tiny", headers={"host": "me.example:8501"}).status_code == 200


def test_metrics_count_requests_by_model_and_code(limited):
    limited.predict(BODY, model="made-up")
    text = limited.get("/prom").text
    assert 'serving_requests_total{api="REST",code="OK",method="predict",model="tiny"}' in text
    assert 'serving_requests_total{api="REST",code="NOT_FOUND",method="predict",model=""}' in text
    assert "made-up" not in text
    assert 'serving_version{model="tiny"} 7.0' in text
    assert limited.get("/metrics").status_code == 404


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(
        [*command, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True
    )
    return {"certificate": str(folder / "cert.pem"), "key": str(folder / "key.pem")}


def test_tls(tiny, certificate):
    with running(*tiny.settings.models, **certificate) as served:
        assert served.url.startswith("https://")
        assert served.predict(BODY).json() == {"predictions": [8.0]}
        host, port = served.url.removeprefix("https://").split(":")
        assert "BEGIN CERTIFICATE" in ssl.get_server_certificate((host, int(port)))


def test_a_key_that_cannot_be_used_is_an_error(tiny, certificate):
    wrong = {**certificate, "key": certificate["certificate"]}
    with pytest.raises(ResourceError, match="PEM files"), running(*tiny.settings.models, **wrong):
        pass


def test_a_stopped_server_answers_the_requests_that_run(tiny):
    with running(*tiny.settings.models) as served:
        responses = []
        thread = threading.Thread(target=lambda: responses.append(served.predict(SPIN)))
        thread.start()
        served.wait(
            lambda: (
                "serving_rows_total" in (text := served.get("/metrics").text) and 'rows_total{model="tiny"} 1' in text
            )
        )
        served.stop()
        thread.join()
        assert [response.status_code for response in responses] == [200]
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(tuple(served.url.removeprefix("http://").split(":")), timeout=5)


def test_what_is_written_in_one_step_of_the_loop_is_sent_at_once_and_before_the_connection_closes():
    class Connection(asyncio.Transport):
        def __init__(self):
            super().__init__()
            self.sent = []

        def write(self, data):
            self.sent.append(data)

        def is_closing(self):
            return "closed" in self.sent

        def close(self):
            self.sent.append("closed")

        def get_extra_info(self, name, default=None):
            return name

    async def main():
        connection = Connection()
        joined = JoinedWrites(connection, asyncio.get_running_loop())
        joined.write(b"head ")
        joined.write(b"body")
        await asyncio.sleep(0)
        joined.write(b"next")
        await asyncio.sleep(0)
        joined.write(b"last")
        joined.close()
        joined.write(b"too late")
        await asyncio.sleep(0)
        return connection.sent, joined.get_extra_info("peername")

    assert asyncio.run(main()) == ([b"head body", b"next", b"last", "closed"], "peername")
