"""Requests without a pause across five pushes and two rollbacks; 10,000 of them in the slow test."""

import asyncio
import contextlib
import json
import threading
import time
from dataclasses import dataclass

import pytest

from serving.server.server_settings import ModelSource

from ..served import push, running

CONTENT = json.dumps({"instances": [{"x": 1.0, "n": 0, "word": ""}]}).encode()
HEAD = b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(CONTENT)
FACTORS = [1, 2, 3, 1, 2, 1, 3, 2]
"""Content of version 1, of five pushes and of two rollbacks: versions 6 and 8 have the content of 4 and 5."""


@dataclass(frozen=True)
class Answer:
    """A response: when its request was sent, when it came, its status, and the factor that predicted it."""

    sent: float
    came: float
    status: int
    factor: float


class Times(list):
    """Lines of the server's log, and when they came."""

    def __init__(self):
        super().__init__()
        self.seconds = {}

    def append(self, line):
        self.seconds.setdefault(line, time.monotonic())
        super().append(line)


async def ask(host, port, count, answers):
    """Send requests over one connection, each after the last response."""
    reader, writer = await asyncio.open_connection(host, port)
    with contextlib.closing(writer):
        for _ in range(count):
            sent_at = time.monotonic()
            writer.write(HEAD + CONTENT)
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
            body = await reader.readexactly(int(fields[b"content-length"]))
            status = int(head.split()[1])
            factor = json.loads(body)["predictions"][0] if status == 200 else body
            answers.append(Answer(sent_at, time.monotonic(), status, factor))


def check(exported, folder, *, requests, connections):
    """Ask until all versions were pushed and all requests are answered, then compare."""
    push(exported[FACTORS[0]], folder, 1)
    lines, answers, pushed = Times(), [], threading.Event()
    with running(ModelSource(name="tiny", folder=str(folder)), lines=lines, cores=2) as served:
        host, port = served.url.removeprefix("http://").split(":")

        async def all_of_them():
            while not pushed.is_set() or len(answers) < requests:
                connections_of_round = (
                    ask(host, int(port), requests // connections, answers) for _ in range(connections)
                )
                await asyncio.gather(*connections_of_round)

        thread = threading.Thread(target=lambda: asyncio.run(all_of_them()))
        thread.start()
        try:
            for number, factor in enumerate(FACTORS[1:], 2):
                served.wait(lambda number=number: len(answers) > requests * (number - 1) / len(FACTORS) / 2)
                push(exported[factor], folder, number)
                served.wait(lambda number=number: f"tiny: version {number} serves, warmed by 4 requests" in lines)
        finally:
            pushed.set()
            thread.join()
        served.wait(lambda: f"tiny: version {len(FACTORS) - 1} is unloaded" in lines)
        assert len(answers) >= requests
        assert {answer.status for answer in answers} == {200}
        assert {answer.factor for answer in answers} == {1.0, 2.0, 3.0}
        for answer in answers:
            live = {
                FACTORS[number - 1]
                for number in range(1, len(FACTORS) + 1)
                # The line comes right after the version, and in the thread of the responses.
                if lines.seconds[f"tiny: version {number} serves, warmed by 4 requests"] <= answer.came
                and lines.seconds.get(f"tiny: version {number} is unloaded", float("inf")) >= answer.sent
            }
            assert answer.factor in live, answer


def test_requests_across_five_pushes_and_two_rollbacks(exported, tmp_path):
    check(exported, tmp_path / "tiny", requests=640, connections=32)


@pytest.mark.slow
def test_ten_thousand_requests_across_five_pushes_and_two_rollbacks(exported, tmp_path):
    check(exported, tmp_path / "tiny", requests=10_000, connections=100)
