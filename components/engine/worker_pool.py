"""Notices that an external worker pool has gone: Beam's own job service would wait for it for ever."""

import threading
from collections.abc import Callable
from typing import Any

from components.engine import endpoints

TICK_SECONDS = 1.0
MISSED = 3
"""Ticks without an answer after which a pool counts as gone."""


class PoolWatch:
    """Watches a pool of this machine, while it is used as a context.

    Args:
        pool: HOST:PORT; None for no pool. One that does not listen here at first is not watched: it may be elsewhere.
        end: Ends the job.

    Attributes:
        gone: Whether it has gone.
    """

    def __init__(self, pool: str | None, end: Callable[[], Any]) -> None:
        self.gone = False
        self._end, self._over = end, threading.Event()
        self._address = endpoints.address("--environment_config", pool) if pool else None

    def __enter__(self) -> "PoolWatch":
        if self._address is not None and endpoints.listens(*self._address):
            threading.Thread(target=self._follow, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _follow(self) -> None:
        assert self._address is not None
        missed = 0
        while not self._over.wait(TICK_SECONDS):
            missed = 0 if endpoints.listens(*self._address) else missed + 1
            if missed == MISSED:
                self.gone = True
                self._end()
                return
