"""A server of models in a thread, and a client of it."""

import asyncio
import contextlib
import shutil
import threading
from types import SimpleNamespace

import httpx

from inspection.web.server import listen

from . import processes


class Served(SimpleNamespace):
    """A running server: `url`, `client`, `grpc` (address), `lines` (log), `stop()`."""

    def post(self, path, **options):
        return self.client.post(f"{self.url}{path}", **options)

    def get(self, path, **options):
        return self.client.get(f"{self.url}{path}", **options)

    def predict(self, body, model="tiny", **options):
        return self.post(f"/v1/models/{model}:predict", json=body, **options)

    def wait(self, condition):
        """Wait until a condition holds; the server changes in another thread."""
        processes.wait_until(condition, lambda: self.lines)


def push(source, serving, number):
    """Make a version appear as a push does: complete, by a rename."""
    serving.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, serving / f".{number}.partial")
    (serving / f".{number}.partial").rename(serving / str(number))


@contextlib.contextmanager
def running(*sources, wait_ready=True, lines=None, **options):
    """Run a server of these models with a port of HTTP and one of gRPC; `lines` is the list of the log."""
    from serving.server import model_server
    from serving.server.engines.tensorflow_session import TensorflowEngine
    from serving.server.server_settings import ServerSettings

    lines = [] if lines is None else lines
    state: dict = {}
    listening = listen("127.0.0.1", 0)
    address = f"127.0.0.1:{listening.getsockname()[1]}"
    options = {"engine": TensorflowEngine(), **options}
    settings = ServerSettings(models=sources, **{"grpc_port": 0, "poll_seconds": 0.02, **options})

    async def main():
        state.update(loop=asyncio.get_running_loop(), stop=asyncio.Event())
        await model_server.serve(listening, settings, lines.append, state["stop"])

    def run():
        try:
            asyncio.run(main())
        except BaseException as error:
            state["error"] = error

    thread = threading.Thread(target=run)
    thread.start()

    def stop():
        with contextlib.suppress(RuntimeError):  # the loop is closed
            state["loop"].call_soon_threadsafe(state["stop"].set)
        thread.join(processes.WAIT)
        assert not thread.is_alive()

    scheme = "https" if settings.certificate else "http"
    client = httpx.Client(verify=False, timeout=processes.WAIT)
    served = Served(url=f"{scheme}://{address}", client=client, lines=lines, stop=stop, state=state, settings=settings)
    try:
        served.wait(lambda: "error" in state or any("gRPC on" in line for line in lines))
        if "error" in state:
            raise state["error"]
        served.grpc = next(line for line in lines if "gRPC on" in line).split()[-1]
        if wait_ready:
            served.wait(lambda: served.get("/readyz").status_code == 200)
        yield served
    finally:
        client.close()
        stop()
