"""Freed memory, which the allocators of Arrow and of the C library keep for later."""

import ctypes

import pyarrow as pa


def release() -> None:
    """Return freed memory to the system, so that one peak of this process does not add to a later one."""
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)
