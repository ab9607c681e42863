"""Messages between a command and the process that forks its workers: a length of 8 bytes, then a JSON object.

An order of a run has length 0 and four file descriptors instead, so that the process that forks never holds the order.
"""

import json
import os
import socket
import struct
from collections.abc import Mapping
from typing import Any

HEAD_BYTES = 8
CODE_BYTES = 4
"""Length of a reply on the channel of a run: the exit code of a worker, or 1 for yes and 0 for no."""
LIMIT_BYTES = 1 << 20
"""Longest message; the longest is the environment of a command."""
_CREDENTIALS = struct.Struct("3i")


def send(channel: socket.socket, message: Mapping[str, Any]) -> None:
    """Send a message."""
    text = json.dumps(message).encode()
    channel.sendall(len(text).to_bytes(HEAD_BYTES, "big") + text)


def send_order(channel: socket.socket, text: str, *descriptors: int) -> None:
    """Send an order as a file in memory, after the other three descriptors."""
    order = os.memfd_create("order")
    try:
        with open(order, "wb", closefd=False) as file:
            file.write(text.encode())
        socket.send_fds(channel, [bytes(HEAD_BYTES)], [*descriptors, order])
    finally:
        os.close(order)


def read_order(descriptor: int) -> str:
    """Read the order of `send_order`, and close its descriptor."""
    with open(descriptor, encoding="utf-8") as file:
        file.seek(0)
        return file.read()


def receive(channel: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """Receive a message, or an order.

    Returns:
        The message, empty for an order, or None at the end of the channel; and the descriptors of an order.

    Raises:
        ValueError: it is longer than allowed, or no JSON object.
    """
    try:
        head, descriptors, _, _ = socket.recv_fds(channel, HEAD_BYTES, 4)
    except ConnectionResetError:
        head, descriptors = b"", []
    if not head:
        return None, []
    length = int.from_bytes(head, "big")
    if length > LIMIT_BYTES:
        raise ValueError(f"a message of {length} bytes")
    text = b""
    while len(text) < length:
        block = channel.recv(length - len(text))
        if not block:
            return None, []
        text += block
    message = json.loads(text) if length else {}
    if not isinstance(message, dict):
        raise ValueError("no JSON object")
    return message, list(descriptors)


def reply(channel: socket.socket, code: int) -> None:
    """Send an exit code, or 1 for yes and 0 for no."""
    channel.sendall(code.to_bytes(CODE_BYTES, "big", signed=True))


def peer(channel: socket.socket) -> tuple[int, int]:
    """Return pid and user id of the process at the other end of a socket with an address."""
    credentials = channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, user, _ = _CREDENTIALS.unpack(credentials)
    return pid, user
