"""EXIF orientation of JPEG and PNG files, and the rotation of images.

Part of the graph, so that training and serving rotate in the same way. EXIF is a TIFF structure
(CIPA DC-008, 4.6): byte order, offset of a directory, its entries of 12 bytes; the tag 0x0112 holds 1 to 8.
"""

from typing import Any

import numpy as np
import tensorflow as tf

HEAD_BYTES = 1 << 17
"""Number of bytes to search for EXIF, whose segment is the first and has at most 64 KB."""
MAX_ENTRIES = 64
"""Maximum number of directory entries to read; cameras write about a dozen."""
_ENTRY = 12
_TAG = 0x0112
_TRANSPOSED = (5, 6, 7, 8)
_LEFT_RIGHT = (2, 3, 6, 7)
_UPSIDE_DOWN = (3, 4, 7, 8)


def orientation(encoded: tf.Tensor) -> tf.Tensor:
    """Read the orientation of each file.

    Args:
        encoded: JPEG or PNG files, string (n,).

    Returns:
        int32 (n,) from 1 to 8; 1, upright, without EXIF or if it cannot be parsed.
    """
    head = tf.strings.substr(encoded, 0, HEAD_BYTES)
    is_png = tf.equal(tf.strings.substr(encoded, 0, 1), b"\x89")
    exif = tf.where(is_png, after(head, b"eXIf"), after(head, b"Exif\0\0"))
    order = tf.strings.substr(exif, 0, 4)
    is_tiff = tf.logical_or(tf.equal(order, b"II*\0"), tf.equal(order, b"MM\0*"))
    upright_ = tf.ones_like(is_tiff, tf.int32)
    # Most batches have no EXIF at all.
    return tf.cond(
        tf.reduce_any(is_tiff), lambda: tf.where(is_tiff, _parsed_orientation(exif), upright_), lambda: upright_
    )


def after(texts: tf.Tensor, mark: bytes) -> tf.Tensor:
    """Return the bytes after the first mark in each text, string (n,); "" for a text without the mark."""
    parts = tf.strings.split(texts, mark, maxsplit=1)
    # With an empty part appended, each text has two.
    padded = tf.concat([parts, tf.fill(tf.stack([tf.shape(texts)[0], 1]), b"")], axis=1)
    return padded.to_tensor(b"", shape=[None, 2])[:, 1]


def _parsed_orientation(exif: tf.Tensor) -> tf.Tensor:
    """Read the orientation in TIFF structures, string (n,): int32 (n,); arbitrary for other text."""
    little = tf.equal(tf.strings.substr(exif, 0, 1), b"I")
    start = _number(_part(exif, tf.fill(tf.shape(exif), 4), 4), little)
    entries = _number(_part(exif, start, 2), little)
    directory = tf.reshape(_part(exif, start + 2, MAX_ENTRIES * _ENTRY), [-1, MAX_ENTRIES, _ENTRY])
    in_order = little[:, tf.newaxis]
    tag = _number(directory[:, :, 0:2], in_order)
    # A value of two bytes stands first in its four, whatever their order; some programs write all four.
    short = tf.equal(_number(directory[:, :, 2:4], in_order), 3)
    value = tf.where(short, _number(directory[:, :, 8:10], in_order), _number(directory[:, :, 8:12], in_order))
    is_orientation = tf.logical_and(tf.equal(tag, _TAG), tf.range(MAX_ENTRIES) < entries[:, tf.newaxis])
    orientation = tf.reduce_max(tf.where(is_orientation, value, 0), axis=1)
    return tf.where((orientation >= 1) & (orientation <= 8), orientation, 1)


def upright(image: tf.Tensor, turned: tf.Tensor) -> tf.Tensor:
    """Rotate an image upright.

    Args:
        image: (height, width, channels).
        turned: EXIF orientation of the image, int32 scalar.

    Returns:
        The rotated image; height and width are exchanged by a quarter turn.
    """

    def turn() -> tf.Tensor:
        rotated = tf.transpose(image, tf.where(_among(turned, _TRANSPOSED), [1, 0, 2], [0, 1, 2]))
        steps = [tf.where(_among(turned, orientations), -1, 1) for orientations in (_UPSIDE_DOWN, _LEFT_RIGHT)]
        return rotated[:: steps[0], :: steps[1]]

    rotated = tf.cond(turned > 1, turn, lambda: image)
    return tf.ensure_shape(rotated, [None, None, None])


def _part(texts: tf.Tensor, start: tf.Tensor, length: int) -> tf.Tensor:
    """Return bytes of each text from an offset, int32 (n, length): zeros after its end."""
    size = tf.strings.length(texts)
    inside = tf.where((start >= 0) & (start < size), start, size)
    parts = tf.strings.substr(texts, inside, tf.fill(tf.shape(inside), length))
    return tf.cast(tf.io.decode_raw(parts, tf.uint8, fixed_length=length), tf.int32)


def _number(digits: tf.Tensor, little: tf.Tensor) -> tf.Tensor:
    """Combine the bytes of the last axis to a number, little-endian where `little`; int32, clipped to its maximum."""
    powers: Any = 256 ** np.arange(digits.shape[-1], dtype=np.int64)
    wide = tf.cast(digits, tf.int64)
    rising, falling = tf.reduce_sum(wide * powers, -1), tf.reduce_sum(wide * powers[::-1], -1)
    return tf.cast(tf.minimum(tf.where(little, rising, falling), tf.int32.max), tf.int32)


def _among(value: tf.Tensor, members: tuple[int, ...]) -> tf.Tensor:
    return tf.reduce_any(tf.equal(value, tf.constant(members)))
