"""Malicious requests to the web page."""

import http.client
import json
import os
import runpy
import socket
import subprocess
import sys
from pathlib import Path

import pytest

MADE = runpy.run_path(str(Path(__file__).parents[1] / "inspection/made.py"))
SECRET = "what nobody may read"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    MADE["make"](folder / "runs")
    (folder / "secret.txt").write_text(SECRET)
    artifact = folder / "runs/houses/artifacts/1/evaluation"
    (artifact / "link.txt").symlink_to(folder / "secret.txt")
    (artifact / "folder").symlink_to(folder)
    (artifact / "within.json").symlink_to(artifact / "verdict.json")
    os.mkfifo(artifact / "pipe.txt")
    linked_verdict = folder / "runs/taxi/artifacts/2/evaluation/verdict.json"
    record = json.loads(linked_verdict.read_text())
    (folder / "verdict.json").write_text(json.dumps({**record, "reason": SECRET, "interval_method": SECRET}))
    linked_verdict.unlink()
    linked_verdict.symlink_to(folder / "verdict.json")
    logs = folder / "runs/houses/runs/folder-1/logs"
    (logs / "trainer.log").unlink()
    (logs / "trainer.log").symlink_to(folder / "secret.txt")
    (logs.parent / "report.html").symlink_to(folder / "secret.txt")
    return folder / "runs"


@pytest.fixture(scope="module")
def address(root):
    with MADE["served"](root) as address:
        yield address.removeprefix("http://")


def evaluation(root, part_of_uri="/houses/artifacts/1/"):
    from inspection.store.artifact_lookup import EVALUATION
    from inspection.store.metadata_store import open_store

    artifacts = open_store(str(root), None).artifacts_of_type(EVALUATION)
    return next(artifact.id for artifact in artifacts if part_of_uri in artifact.uri)


def raw(address, target):
    """Send a request line without the normalization of an HTTP client."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=120) as connection:
        connection.sendall(
            b"GET " + target + b" HTTP/1.1\r\nHost: " + address.encode() + b"\r\nConnection: close\r\n\r\n"
        )
        body = b""
        while part := connection.recv(65536):
            body += part
    return int(body.split(b" ", 2)[1]), body


def test_no_request_path_leads_out_of_the_roots(root, address, figure):
    """Fault 34: dots, encoded or twice encoded, double slashes, backslashes, #, NUL and links over HTTP."""
    files = f"/files/{evaluation(root)}/".encode()
    status, body = raw(address, files + b"verdict.json")
    assert status == 200
    assert json.loads(body.split(b"\r\n\r\n", 1)[1])["split"] == "test"
    assert raw(address, files + b"within.json")[0] == 200, "a link that stays within the artifact"
    steps = [b"..", b"%2e%2e", b"%2E.", b".%2e", b"%252e%252e", b"..%2f..", b"..%5c..", b"..\\..", b"....//", b"..;"]
    targets = [files + b"/".join([step] * times) + b"/secret.txt" for step in steps for times in (1, 4, 5, 9)]
    targets += [
        files + b"x/../" * 6 + b"secret.txt",
        b"//etc/passwd",
        files + b"/etc/passwd",
        files + b"%2fetc%2fpasswd",
    ]
    targets += [
        b"/../secret.txt",
        b"/files/" + b"../" * 8 + b"etc/passwd",
        files + b"verdict.json%00.txt",
        files + b"%00",
    ]
    targets += [files + b"#/../secret.txt", files + b"verdict.json#x", files + b"%23", files + b"verdict.json/"]
    targets += [
        files + b"link.txt",
        files + b"folder/secret.txt",
        files + b"folder",
        files + b"pipe.txt",
        files,
        files + b".",
    ]
    targets += [
        b"/files/-1/verdict.json",
        b"/files/99999999999999999999/x",
        b"/files/x/verdict.json",
        b"/files/1/../../x",
    ]
    targets += [b"/run?id=../../../../etc/passwd", b"/run?id=%00", b"/node?run=run-1&node=../../../../secret"]
    targets += [
        b"/artifact?id=" + b"9" * 5000,
        b"/artifact?id=../1",
        b"/report?id=run-1",
        b"/report?id=../../x",
        b"http://elsewhere.example/",
        b"*",
    ]
    outside = 0
    for target in targets:
        status, body = raw(address, target)
        assert 400 <= status < 500, (target, body[:200])
        outside += body.count(SECRET.encode()) + body.count(b"root:")
    _, body = raw(address, b"/node?run=run-1&node=trainer")
    assert b"No log." in body
    outside += body.count(SECRET.encode())
    for page in (b"/run?id=run-2", b"/artifact?id=%d" % evaluation(root, "/taxi/artifacts/2/")):
        status, body = raw(address, page)
        assert status == 200
        assert b"links to outside" in body, page
        outside += body.count(SECRET.encode())
    for page in (b"/run?id=run-1", b"/compare?a=run-2&b=run-4"):
        _, body = raw(address, page)
        assert b"links to outside" in body, page
        outside += body.count(SECRET.encode())
    figure(34, f"{len(targets)} addresses refused with 4xx, {outside} bytes from outside the roots")
    assert outside == 0


def test_requests_for_another_host_or_origin_are_rejected(address, figure):
    """Fault 35: a name that points here, and a page of another origin."""

    def status(method="GET", **headers):
        connection = http.client.HTTPConnection(address, timeout=120)
        connection.putrequest(method, "/", skip_host=True)
        for name, value in headers.items():
            for text in value if isinstance(value, list) else [value]:
                connection.putheader(name, text)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status == 200 or b"run-1" not in body
        return answer.status

    port = address.rpartition(":")[2]
    for host in (address, f"localhost:{port}", f"[::1]:{port}", "localhost", f"LOCALHOST:{port}"):
        assert status(Host=host) == 200, host
    assert status(Host=address, Origin=f"http://{address}") == 200
    refused = [
        "evil.example",
        f"evil.example:{port}",
        f"localhost.evil.example:{port}",
        f"127.0.0.1.evil.example:{port}",
        f"evil.example@{address}",
        f"{address}/evil",
        f"localhost:{port}:80",
        "",
    ]
    for host in refused:
        assert status(Host=host) in (400, 403), host
    assert status(Host=[address, "evil.example"]) in (400, 403)
    origins = ["http://evil.example", "null", f"https://{address}", f"http://{address}.evil.example", "file://"]
    for origin in origins:
        assert status(Host=address, Origin=origin) == 403, origin
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        assert status(method, Host=address) == 405
    figure(35, f"{len(refused) + 1} hosts and {len(origins)} origins refused, 5 methods that write")


def test_an_open_address_needs_its_flag(root, figure):
    """Fault 35: an address that others can reach, without the flag that allows it, and with it."""
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        command = [sys.executable, "runner.py", "ui", "--port", "0", "--root", str(root), "--host", host]
        completed = subprocess.run(command, cwd=MADE["REPOSITORY"], capture_output=True, text=True, timeout=120)
        assert completed.returncode == 2
        assert "--expose" in completed.stderr
    with MADE["served"](root, "--host", "0.0.0.0", "--expose", "--allow", "models.example") as open_address:
        port = open_address.rpartition(":")[2]
        for host, expected in (("models.example", 200), ("192.0.2.7", 200), ("evil.example", 403)):
            connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=120)
            connection.request("GET", "/", headers={"Host": f"{host}:{port}"})
            assert connection.getresponse().status == expected, host
    figure(35, "3 open addresses refused without --expose; with it only names that --allow gives")
