"""Requests that the web page accepts or refuses, without a server."""

import asyncio

import pytest

from inspection.web.request_guard import Guard

HOST = (b"host", b"localhost:8000")


def status(*headers, path=b"/runs", method="GET"):
    """Status of the answer; 200 where the application was reached."""
    messages = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})

    async def send(message):
        messages.append(message)

    scope = {"type": "http", "method": method, "headers": headers, "raw_path": path, "path": path.decode()}
    asyncio.run(Guard(app, names=["Models.Example"])(scope, None, send))
    return messages[0]["status"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([HOST], 200),
        ([(b"Host", b"MODELS.example")], 200),
        ([(b"host", b"192.0.2.7:8000")], 200),
        ([(b"host", b"evil.example")], 403),
        ([], 403),
        ([HOST, HOST], 403),
        ([HOST, (b"host", b"evil.example")], 403),
        ([HOST, (b"origin", b"http://localhost:8000")], 200),
        ([HOST, (b"origin", b"http://localhost:8000"), (b"origin", b"http://evil.example")], 403),
    ],
)
def test_a_request_has_one_host_that_is_known_and_no_other_origin(headers, expected):
    assert status(*headers) == expected


@pytest.mark.parametrize("times", [0, 1, 2])
@pytest.mark.parametrize("path", ["/a/../b", "/a/./b", "/..", "/a//b", "/a\\b", "/a\x00b", "/a#b"])
def test_a_path_that_leads_elsewhere_is_refused_however_often_it_is_encoded(path, times):
    encoded = path
    for step in range(times):
        marks = "./\\\x00#" if step == 0 else "%"
        encoded = "/" + "".join(f"%{ord(mark):02x}" if mark in marks else mark for mark in encoded[1:])

    assert status(HOST, path=encoded.encode()) == 400


def test_a_path_of_names_is_answered():
    for path in (b"/", b"/files/1/Split-train/FeatureStats.pb", b"/files/1/100%25.txt", b"/files/1/%C3%BC..txt"):
        assert status(HOST, path=path) == 200
    assert status(HOST, method="POST") == 405
