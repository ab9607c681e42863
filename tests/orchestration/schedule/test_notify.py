import http.server
import json
import threading

import pytest

from orchestration.schedule import notify
from pipeline.schedule import Notify

SECRET = "T0K3N-canary"


@pytest.fixture
def server():
    """Takes posts; `answer` is its status."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.got.append((self.path, json.loads(body)))
            self.send_response(self.server.answer)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.answer = [], 200
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def tell(settings, said):
    notify.tell(Notify(**settings), "failure", {"text": "houses:s failed"}, say=said.append)


def test_a_webhook_gets_json_and_its_secret_from_the_environment(server, monkeypatch):
    monkeypatch.setenv("HOOK", SECRET)
    said = []
    tell({"webhook": f"http://127.0.0.1:{server.server_port}/x/${{HOOK}}"}, said)
    assert server.got == [(f"/x/{SECRET}", {"event": "failure", "text": "houses:s failed"})]
    server.answer = 403
    tell({"webhook": f"http://127.0.0.1:{server.server_port}/x/${{HOOK}}"}, said)
    assert said == ["notify.webhook: the server answered 403"]


def test_what_goes_wrong_is_said_without_the_secret(monkeypatch):
    monkeypatch.setenv("HOOK", SECRET)
    monkeypatch.setenv("BROKEN", f"ht tp://{SECRET}")
    said = []
    for webhook in ("http://127.0.0.1:9/${HOOK}", "${BROKEN}", "https://${HOOK}.invalid/", "${UNSET}"):
        tell({"webhook": webhook}, said)
    tell({"command": "exit 7"}, said)
    assert len(said) == 5
    assert not any(SECRET in line for line in said)
    assert said[1] == "notify.webhook: with the environment's values it is no address as https://HOST/PATH"
    assert said[3] == "notify.webhook: the environment variable UNSET is not set"
    assert said[4] == "notify.command ended with exit code 7"
