"""The deadline of a request, and what it leaves to others."""

import asyncio
import selectors

import pytest

from serving.server.deadline import Deadlines


async def waiting(seconds, deadline_seconds):
    with Deadlines(deadline_seconds).start():
        await asyncio.sleep(seconds)
    return "done"


def test_what_takes_longer_ends_with_a_timeout_and_the_task_goes_on():
    async def main():
        with pytest.raises(TimeoutError):
            await waiting(60, 0.01)
        await asyncio.sleep(0)  # a cancellation that was left would arrive here
        return await waiting(0, 60)

    assert asyncio.run(main()) == "done"


def test_a_deadline_does_not_cancel_what_comes_after_it():
    async def main():
        await waiting(0, 0.01)
        await asyncio.sleep(0.05)
        return "undisturbed"

    assert asyncio.run(main()) == "undisturbed"


def test_a_cancellation_by_others_stays_one():
    async def main():
        task = asyncio.create_task(waiting(60, 60))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_other_errors_pass():
    async def main():
        with Deadlines(60).start():
            raise KeyError("a")

    with pytest.raises(KeyError, match="a"):
        asyncio.run(main())


class SkippingSelector(selectors.SelectSelector):
    """A selector that does not wait, and adds up how long it should have waited."""

    skipped = 0.0

    def select(self, timeout=None):
        self.skipped += timeout or 0.0
        return super().select(0)


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own, which skips the time until the next timer."""

    def __init__(self):
        self.selector = SkippingSelector()
        super().__init__(self.selector)

    def time(self):
        return self.selector.skipped


def test_each_request_has_the_whole_time_though_one_timer_serves_all():
    deadlines = Deadlines(10)

    async def request(start, duration):
        await asyncio.sleep(start)
        try:
            with deadlines.start():
                await asyncio.sleep(duration)
        except TimeoutError:
            return "timeout", round(asyncio.get_running_loop().time(), 3)
        return "done", round(asyncio.get_running_loop().time(), 3)

    async def main():
        return await asyncio.gather(
            *(request(*times) for times in ((0, 3), (1, 99), (2, 8), (5, 99), (5, 9), (40, 99)))
        )

    loop = SkippingLoop()
    try:
        results = loop.run_until_complete(main())
    finally:
        loop.close()
    assert results == [("done", 3), ("timeout", 11), ("done", 10), ("timeout", 15), ("done", 14), ("timeout", 50)]
