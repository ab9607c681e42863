"""Client of headless Chromium's DevTools protocol that records what a page does."""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from websockets.sync.client import connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless",
    "--no-sandbox",  # Chromium refuses to run as root with it
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
_WAIT = 120.0
"""Seconds until an answer is missing: on a loaded machine a page takes a minute."""


def browser_path() -> str | None:
    """Return the path of a browser; None if none is installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Tab:
    """A browser tab.

    Attributes:
        problems: Errors on the console, exceptions, and what the policy of a page refused.
        requests: Every address that was asked for.
        dialogs: Texts of alerts and the like.
    """

    def __init__(self, socket: Any, session: str) -> None:
        self._socket, self._session, self._number = socket, session, 0
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self._loaded = False
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command, and record all events until its result."""
        self._number += 1
        number = self._number
        self._socket.send(
            json.dumps({"id": number, "method": method, "params": parameters, "sessionId": self._session})
        )
        while True:
            message = json.loads(self._socket.recv(timeout=_WAIT))
            if message.get("sessionId") != self._session:
                continue
            if message.get("id") == number:
                assert "error" not in message, (method, message["error"])
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        method, fields = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(fields["request"]["url"])
        elif method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append(fields["message"])
            # Not asked and waited for: the answer to the command before comes only once the dialog is gone.
            self._number += 1
            dismiss = {"id": self._number, "method": "Page.handleJavaScriptDialog", "params": {"accept": False}}
            self._socket.send(json.dumps({**dismiss, "sessionId": self._session}))
        elif method == "Runtime.exceptionThrown":
            self.problems.append(str(fields["exceptionDetails"].get("text")))
        elif method == "Runtime.consoleAPICalled" and fields["type"] in ("error", "warning", "assert"):
            self.problems.append(str(fields["args"]))
        elif method == "Log.entryAdded" and fields["entry"]["level"] in ("error", "warning"):
            self.problems.append(f"{fields['entry']['text']} {fields['entry'].get('url', '')}")

    def open(self, address: str) -> None:
        """Open an address, and wait until it has loaded."""
        self.problems, self.requests, self.dialogs, self._loaded = [], [], [], False
        went = self.ask("Page.navigate", url=address)
        assert not went.get("errorText"), (address, went)
        self._until_loaded(address)
        time.sleep(0.03)  # what an image's onerror would do comes after
        self.ask("Runtime.getIsolateId")

    def follow(self, key: str) -> None:
        """Press a key that opens another page, and wait until it has loaded."""
        self._loaded = False
        self.press(key)
        self._until_loaded(key)

    def _until_loaded(self, page_name: str) -> None:
        until = time.monotonic() + _WAIT
        while not self._loaded:
            assert time.monotonic() < until, f"{page_name}: nothing was loaded"
            message = json.loads(self._socket.recv(timeout=_WAIT))
            if message.get("sessionId") == self._session:
                self._note(message)

    def value(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        message = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in message, message
        return message["result"].get("value")

    def size(self, width: int, height: int) -> None:
        """Set the window's size in pixels."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **metrics)

    def color_scheme(self, scheme: str) -> None:
        """Emulate the color scheme `light` or `dark`."""
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, key: str) -> None:
        """Press a key."""
        codes = {"Tab": 9, "Enter": 13}
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key], **text)

    def screenshot(self, path: str | os.PathLike[str]) -> None:
        """Write a screenshot as PNG."""
        content = self.ask("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(content))

    def paper(self) -> bytes:
        """Return the page as PDF."""
        return base64.b64decode(self.ask("Page.printToPDF")["data"])


@contextlib.contextmanager
def browser(path: str) -> Iterator[Tab]:
    """Start a browser with an empty tab and a temporary profile."""
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as folder:
        log = open(os.path.join(folder, "log"), "wb")  # noqa: SIM115  until the browser ends
        process = subprocess.Popen([path, *_FLAGS, f"--user-data-dir={folder}", "about:blank"], stdout=log, stderr=log)
        try:
            place, until = pathlib.Path(folder, "DevToolsActivePort"), time.monotonic() + _WAIT
            while not place.exists() or "\n" not in place.read_text():
                assert process.poll() is None, pathlib.Path(folder, "log").read_text(errors="replace")[-2000:]
                assert time.monotonic() < until, "the browser did not start"
                time.sleep(0.05)
            port, socket_path = place.read_text().split("\n")[:2]
            # Pings draw from Python's random numbers in a thread, in the middle of tests that set their seed.
            address = f"ws://127.0.0.1:{port}{socket_path}"
            with connect(address, max_size=None, proxy=None, ping_interval=None) as socket:
                yield Tab(socket, _attach(socket))
        finally:
            process.terminate()
            process.wait(timeout=_WAIT)
            log.close()


@contextlib.contextmanager
def desktop() -> Iterator[Tab]:
    """Yield a tab of the size of a desktop; skip the test without a browser."""
    # The documents' script that takes screenshots uses this module without pytest.
    import pytest

    path = browser_path()
    if path is None:
        pytest.skip("no browser: install one with `apt-get install -y --no-install-recommends chromium`")
    with browser(path) as opened:
        opened.size(1250, 900)
        yield opened


def _attach(socket: Any) -> str:
    def ask(number: int, method: str, **parameters: Any) -> Any:
        socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            reply = json.loads(socket.recv(timeout=_WAIT))
            if reply.get("id") == number:
                return reply["result"]

    target = ask(1, "Target.createTarget", url="about:blank")["targetId"]
    return str(ask(2, "Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
