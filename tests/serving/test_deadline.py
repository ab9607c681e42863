"""The deadline of a request, and what it leaves to others."""

import asyncio

import pytest

from serving.server.deadline import Deadline


async def waiting(seconds, deadline_seconds):
    with Deadline(deadline_seconds):
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
        with Deadline(60):
            raise KeyError("a")

    with pytest.raises(KeyError, match="a"):
        asyncio.run(main())
