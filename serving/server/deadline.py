"""A limit on the time of requests."""

import asyncio
from types import TracebackType


class Deadlines:
    """Limit of the same number of seconds for each request.

    A request that started later also ends later, so one timer, for the oldest request, is enough: a timer for each
    costs several times as much as all else here. Python 3.10 has no asyncio.timeout, and its asyncio.wait_for starts a
    task for each call, which costs as much as the rest of a small request.

    Args:
        seconds: Seconds until the cancellation.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: dict[Deadline, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> "Deadline":
        """Return a context manager that cancels the current task's await inside it when the time is over."""
        return Deadline(self)

    def add(self, deadline: "Deadline") -> None:
        """Cancel a deadline's task at its end."""
        loop = asyncio.get_running_loop()
        self._ends[deadline] = end = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(end, self._pass)

    def remove(self, deadline: "Deadline") -> None:
        """Forget a deadline that has passed, or whose task is ready."""
        self._ends.pop(deadline, None)

    def _pass(self) -> None:
        """Cancel the tasks whose time is over, and wait for the next one."""
        self._timer = None
        loop = asyncio.get_running_loop()
        for deadline, end in list(self._ends.items()):
            if end > loop.time():
                self._timer = loop.call_at(end, self._pass)
                return
            self.remove(deadline)
            deadline.cancel()


class Deadline:
    """Context manager of one request.

    Raises:
        TimeoutError: at its end, if it cancelled the task.
    """

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._passed = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "a deadline belongs to a task"
        self._task = task
        self._deadlines.add(self)

    def cancel(self) -> None:
        """Cancel the task, because its time is over."""
        self._passed = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._deadlines.remove(self)
        if self._passed and kind is asyncio.CancelledError:
            if hasattr(self._task, "uncancel"):  # from Python 3.11 a task counts its cancellations
                self._task.uncancel()
            raise TimeoutError from error
