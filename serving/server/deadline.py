"""A limit on the time of a request."""

import asyncio
from types import TracebackType


class Deadline:
    """Context manager that cancels the current task's await inside it after a timeout in seconds.

    Python 3.10 has no asyncio.timeout, and its asyncio.wait_for starts a task for each call, which costs as much as the
    rest of a small request.

    Args:
        seconds: Seconds until the cancellation.

    Raises:
        TimeoutError: at its end, if it cancelled the task.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._passed = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "a deadline belongs to a task"
        self._task = task
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._pass)

    def _pass(self) -> None:
        self._passed = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._passed and kind is asyncio.CancelledError:
            if hasattr(self._task, "uncancel"):  # from Python 3.11 a task counts its cancellations
                self._task.uncancel()
            raise TimeoutError from error
