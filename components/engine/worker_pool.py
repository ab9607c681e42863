"""Detects that an external worker pool no longer listens: Beam's job service would wait for it forever."""

import threading
from collections.abc import Callable
from typing import Any

from components.engine import endpoints

TICK_SECONDS = 1.0
MAX_MISSED = 3
"""Consecutive failed connections after which a pool is lost."""


class PoolMonitor:
    """Context that monitors a worker pool and cancels the job if the pool is lost.

    Args:
        pool: HOST:PORT; None for no pool. A pool that does not listen at the start is not monitored: it may be on
            another machine.
        cancel: Cancels the job.

    Attributes:
        lost: Whether the pool no longer listens.
    """

    def __init__(self, pool: str | None, cancel: Callable[[], Any]) -> None:
        self.lost = False
        self._cancel, self._stopped = cancel, threading.Event()
        self._address = endpoints.address("--environment_config", pool) if pool else None

    def __enter__(self) -> "PoolMonitor":
        if self._address is not None and endpoints.listens(*self._address):
            threading.Thread(target=self._monitor, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()

    def _monitor(self) -> None:
        assert self._address is not None
        missed = 0
        while not self._stopped.wait(TICK_SECONDS):
            missed = 0 if endpoints.listens(*self._address) else missed + 1
            if missed == MAX_MISSED:
                self.lost = True
                self._cancel()
                return
