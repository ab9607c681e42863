"""A served model's folder: one folder a version, named by a rising number."""

import time

from tfx.dsl.io import fileio


def pushed(folder: str) -> list[int]:
    """Complete versions in a serving folder, rising."""
    if not fileio.exists(folder):
        return []
    return sorted(int(name.strip("/")) for name in fileio.listdir(folder) if name.strip("/").isdigit())


def following(folder: str) -> int:
    """A version above all others: the time in seconds, or one more than the last where the clock lags behind."""
    return max([int(time.time()), *(version + 1 for version in pushed(folder)[-1:])])
