"""A server of the standard library in a thread of the test process."""

import contextlib
import threading


@contextlib.contextmanager
def running(server):
    """Serve requests until the block ends; yields the server."""
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
