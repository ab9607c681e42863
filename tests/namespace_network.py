"""The network of a namespace of its own, which has no way out: names of the internet are servers of the test."""

import fcntl
import socket
import struct

_SET_FLAGS = 0x8914
"""SIOCSIFFLAGS, Linux's request that sets the flags of a network interface."""
_UP_AND_RUNNING = 0x41


def start(*names: str) -> None:
    """Start the loopback, and give it names.

    Args:
        names: Names of hosts; /etc/hosts must belong to this namespace too.
    """
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH", b"lo", _UP_AND_RUNNING))
    with open("/etc/hosts", "a", encoding="utf-8") as file:
        file.write(f"\n127.0.0.1 localhost {' '.join(names)}\n")
