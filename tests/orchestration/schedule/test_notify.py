import contextlib
import http.server
import json
import socket
import threading
import time
from typing import Any

import pytest
from pydantic import ValidationError

from orchestration.schedule import bounded_process, notifications
from spec.timing.schedule import Notify, ascii_address
from tests import processes

SECRET = "T0K3N-canary"


@pytest.fixture
def server():
    """Takes posts; `answer` is its status, `location` where it redirects to."""

    class Handler(http.server.BaseHTTPRequestHandler):
        server: Any

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.got.append((self.path, json.loads(body)))
            self.send_response(self.server.answer)
            if self.server.location:
                self.send_header("Location", self.server.location)
            self.end_headers()

        def do_GET(self):
            self.server.got.append((self.path, None))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server: Any = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.answer, server.location = [], 200, None
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@contextlib.contextmanager
def answering(*parts, repeated=None):
    """A server that sends the parts, then `repeated` until the client is gone; yields its address."""
    listening = socket.create_server(("127.0.0.1", 0))

    def run():
        with contextlib.suppress(OSError), listening.accept()[0] as connection:
            connection.recv(65536)
            for part in parts:
                connection.sendall(part)
            while repeated is not None:
                connection.sendall(repeated)
                time.sleep(0.05)

    thread = threading.Thread(target=run)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/hook?token={SECRET}"
    # Also if no client came.
    listening.shutdown(socket.SHUT_RDWR)
    thread.join()
    listening.close()


def tell(settings, text="houses:s failed"):
    """Send a message; return the log."""
    messages = []
    notifications.tell(Notify(**settings), "failure", {"text": text}, say=messages.append)
    return messages


def test_a_webhook_gets_json_and_its_secret_from_the_environment(server, monkeypatch):
    monkeypatch.setenv("HOOK", SECRET)
    webhook = f"http://127.0.0.1:{server.server_port}/x/${{HOOK}}"
    assert tell({"webhook": webhook}) == []
    assert server.got == [(f"/x/{SECRET}", {"event": "failure", "text": "houses:s failed"})]
    server.answer = 403
    assert tell({"webhook": webhook}) == ["notify.webhook: the server answered 403"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_of_a_webhook_are_not_followed(server, status):
    server.answer, server.location = status, "/elsewhere"
    [line] = tell({"webhook": f"http://127.0.0.1:{server.server_port}/x?token={SECRET}"})
    assert (
        line == f"notify.webhook: the server answered {status}, a redirect, which is not followed: configure the "
        "final address"
    )
    assert [path for path, _ in server.got] == [f"/x?token={SECRET}"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "BadStatusLine"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70000 + b"\r\n\r\n", "LineTooLong"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200 + b"\r\n", "HTTPException"),
        (b"", "RemoteDisconnected"),
    ],
    ids=["another protocol", "a header line of 70 kB", "200 headers", "nothing"],
)
def test_a_response_that_is_not_http_is_reported_in_one_line(answer, kind):
    with answering(answer) as address:
        [line] = tell({"webhook": address})
    assert line.startswith("notify.webhook: the server")
    assert line.endswith(f"({kind})")
    assert SECRET not in line


@pytest.mark.parametrize(
    ("first_part", "repeated"),
    [(b"HTTP/1.1 200 OK\r\nX: ", b"a"), (b"", b"HTTP/1.1 100 Continue\r\n\r\n")],
    ids=["a header in drips", "100 Continue for ever"],
)
def test_a_slow_server_is_abandoned_after_a_total_timeout(monkeypatch, first_part, repeated):
    monkeypatch.setattr(bounded_process, "SECONDS", 1.0)
    with answering(first_part, repeated=repeated) as address:
        assert tell({"webhook": address}) == ["notify.webhook: stopped after 1 s, the limit of a notification"]


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:notaport/T0K3N-canary",
        "http://127.0.0.1:99999/T0K3N-canary",
        "http://127.0.0.1:0/T0K3N-canary",
        "http://[::1/T0K3N-canary",
        "http://" + "a" * 70 + ".example/T0K3N-canary",
        "http:///T0K3N-canary",
        "http://user:T0K3N-canary@127.0.0.1/",
        "ftp://127.0.0.1/T0K3N-canary",
        "http://127.0.0.1/a b/T0K3N-canary",
        "http://127.0.0.1/\x01T0K3N-canary",
        "http://127.0.0.1/\r\nHost: T0K3N-canary",
    ],
)
def test_an_invalid_url_is_rejected_without_quoting_it(monkeypatch, address):
    with pytest.raises(ValidationError) as error:
        Notify(webhook=address)
    assert "write https://HOST/PATH" in str(error.value)
    assert SECRET not in str(error.value)
    monkeypatch.setenv("HOOK", address)
    [line] = tell({"webhook": "${HOOK}"})
    assert line.startswith("notify.webhook: with the environment's values, the address ")
    assert SECRET not in line


def test_a_non_ascii_url_is_encoded_as_ascii():
    assert ascii_address("https://hooks.exämple.org/ü/%20?q=ü&b=1#x") == (
        "https://hooks.xn--exmple-cua.org/%C3%BC/%20?q=%C3%BC&b=1"
    )
    assert ascii_address("http://[::1]:8080/a") == "http://[::1]:8080/a"


def test_errors_of_a_webhook_do_not_contain_its_secret(monkeypatch):
    monkeypatch.setenv("HOOK", SECRET)
    assert tell({"webhook": "http://127.0.0.1:9/${HOOK}"}) == [
        "notify.webhook: the server cannot be reached (ConnectionRefusedError)"
    ]
    assert tell({"webhook": "https://${HOOK}.invalid/"}) == ["notify.webhook: the server cannot be reached (gaierror)"]
    assert tell({"webhook": "${UNSET}"}) == ["notify.webhook: the environment variable UNSET is not set"]
    assert tell({"command": "exit 7"}) == ["notify.command: ended with exit code 7"]


def test_a_command_past_its_timeout_is_killed_with_its_child_processes(monkeypatch, tmp_path, limits_begin):
    monkeypatch.setattr(bounded_process, "SECONDS", 1.0)
    pids = tmp_path / "pids"
    limits_begin(lambda: pids.exists() and pids.read_text().count("\n") == 2)
    command = f"sleep 60 & echo $! > {pids}; (sleep 61 & echo $! >> {pids}; sleep 62); wait"
    assert tell({"command": command}) == ["notify.command: stopped after 1 s, the limit of a notification"]
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 2
    assert processes.left(started) == []


def test_background_processes_of_a_command_are_not_awaited(tmp_path):
    assert tell({"command": f"cd {tmp_path}; (until [ -e go ]; do sleep 0.05; done; touch late) &"}) == []
    (tmp_path / "go").touch()
    processes.wait_until((tmp_path / "late").exists)


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 300_000], ids=["NUL", "a lone surrogate", "300 kB"])
def test_any_text_of_a_failure_can_be_notified(tmp_path, server, text):
    errors = tell({"command": f"cat > {tmp_path}/told", "webhook": f"http://127.0.0.1:{server.server_port}/x"}, text)
    assert errors == []
    assert json.loads((tmp_path / "told").read_text())["event"] == "failure"
    assert len(server.got) == 1
