"""Encoded pictures to pixels."""

from typing import Any

import tensorflow as tf

from models.features import raw_columns
from models.features.exif import HEAD_BYTES, after, orientation, upright
from spec.columns import role_kinds as kinds

GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R BT.601), as PNG and JPEG have them."""
_DEPTH_AT = 24
"""Where a PNG file says how many bits a sample has (w3.org/TR/png-3, 11.2.1)."""
_DEEP = 257.0
"""A sample of 16 bits over the one of 8 bits that means the same: 65535 over 255."""


def image(raw: Any, role: kinds.Image) -> tf.Tensor:
    """Decode PNG or JPEG of any size and depth, turn upright as EXIF says, resize and scale to 0..1.

    Resized bilinearly, with antialiasing where it shrinks; a picture that has the size already keeps its pixels. Colour
    becomes grey, grey colour, as `channels` says; an alpha channel is dropped.

    Returns:
        float32 (batch, height * width * channels), rows of pixels one after the other.
    """
    encoded = raw_columns.read(raw, role.column, None).value
    head = tf.strings.substr(encoded, 0, 4)
    good = tf.logical_or(tf.equal(head, b"\x89PNG"), tf.equal(tf.strings.substr(encoded, 0, 3), b"\xff\xd8\xff"))
    # The value itself is not shown: it is no text.
    head = raw_columns.require(head, good, role.column, "must hold pictures, PNG or JPEG")
    with tf.control_dependencies([head]):
        flat = tf.reshape(encoded, [-1])
    turned, deep = orientation(flat), _deep(flat)
    inks = _four_inks(flat) if role.channels == 1 else tf.zeros_like(deep)
    made = _Decoder(role)
    # Most batches have none of these, and a condition for each picture would double the time that a small one takes.
    pictures = tf.cond(
        tf.reduce_any(deep | inks | (turned > 1)),
        lambda: tf.map_fn(lambda each: made.any(*each), (flat, turned, deep, inks), fn_output_signature=made.spec),
        lambda: tf.map_fn(made.common, flat, fn_output_signature=made.spec),
    )
    return tf.reshape(pictures, [-1, role.height * role.width * role.channels]) / 255.0


class _Decoder:
    """Decodes single pictures, scalar texts, to float32 (height, width, channels) in 0..255."""

    def __init__(self, role: kinds.Image) -> None:
        self._size = (role.height, role.width)
        self._channels = role.channels
        self.spec = tf.TensorSpec((role.height, role.width, role.channels), tf.float32)

    def common(self, content: tf.Tensor) -> tf.Tensor:
        """One that is upright, of 8 bits a sample and of up to three inks."""
        return self._resized(self._of_8_bits(content))

    def any(self, content: tf.Tensor, turned: tf.Tensor, deep: tf.Tensor, inks: tf.Tensor) -> tf.Tensor:
        """One that may be turned, a PNG that may have 16 bits a sample, a JPEG that may have four inks."""

        def of_16_bits() -> tf.Tensor:
            picture = tf.io.decode_png(content, channels=self._channels, dtype=tf.uint16)
            return tf.cast(picture, tf.float32) / _DEEP

        def of_four_inks() -> tf.Tensor:
            # TensorFlow makes them red, green and blue, and refuses to make them grey.
            colours = tf.cast(tf.io.decode_image(content, channels=3, expand_animations=False), tf.float32)
            return tf.tensordot(colours, tf.constant(GREY), 1)[:, :, tf.newaxis]

        def of_8_bits() -> tf.Tensor:
            return tf.cast(self._of_8_bits(content), tf.float32)

        picture = tf.cond(deep, of_16_bits, lambda: tf.cond(inks, of_four_inks, of_8_bits))
        return self._resized(upright(picture, turned))

    def _of_8_bits(self, content: tf.Tensor) -> tf.Tensor:
        return tf.io.decode_image(content, channels=self._channels, expand_animations=False)

    def _resized(self, picture: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.image.resize(picture, self._size, antialias=True), self.spec.shape)


def _deep(encoded: tf.Tensor) -> tf.Tensor:
    """Which files, string (n,), are PNG of 16 bits a sample."""
    size = _DEPTH_AT + 1
    head = tf.io.decode_raw(tf.strings.substr(encoded, 0, size), tf.uint8, fixed_length=size)
    return tf.logical_and(tf.equal(head[:, 0], 0x89), tf.equal(head[:, _DEPTH_AT], 16))


def _four_inks(encoded: tf.Tensor) -> tf.Tensor:
    """Which files, string (n,), are JPEG with a frame of four components, which has 20 bytes (ITU-T T.81, B.2.2)."""
    head = tf.strings.substr(encoded, 0, HEAD_BYTES)
    frames = [after(head, b"\xff" + kind + b"\x00\x14\x08") for kind in (b"\xc0", b"\xc1", b"\xc2")]
    is_jpeg = tf.equal(tf.strings.substr(encoded, 0, 2), b"\xff\xd8")
    return is_jpeg & tf.reduce_any(tf.not_equal(tf.stack(frames), b""), axis=0)
