"""Decoding of images to pixels."""

import tensorflow as tf

from models.transform_graph import raw_columns
from models.transform_graph.images.exif import HEAD_BYTES, after, orientation, upright

GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R BT.601), as PNG and JPEG define them."""
_DEPTH_AT = 24
"""Position of the bit depth in a PNG file (w3.org/TR/png-3, 11.2.1)."""
_TO_8_BITS = 257.0
"""Ratio of a 16-bit sample to the equivalent 8-bit sample: 65535 / 255."""


def decode(encoded: tf.Tensor, size: tuple[int, int], channels: int, *, column: str) -> tf.Tensor:
    """Decode PNG or JPEG of any size and depth, apply the EXIF orientation, resize and scale to 0..1.

    Images are resized bilinearly, with antialiasing if they shrink; an image of the right size keeps its pixels.
    Colour is converted to grey or grey to colour by `channels`; an alpha channel is dropped.

    Args:
        encoded: Content of the files, string (batch, 1).
        size: Height and width in pixels.
        channels: 1 for grey, 3 for colour.
        column: Name of the column, for messages.

    Returns:
        float32 (batch, height * width * channels), pixels in row-major order.
    """
    head = tf.strings.substr(encoded, 0, 4)
    is_image = tf.logical_or(tf.equal(head, b"\x89PNG"), tf.equal(tf.strings.substr(encoded, 0, 3), b"\xff\xd8\xff"))
    # The error shows the head and not the value, which is not text.
    head = raw_columns.require(head, is_image, column, "must hold images, PNG or JPEG")
    with tf.control_dependencies([head]):
        flat = tf.reshape(encoded, [-1])
    orientations, has_16_bits = orientation(flat), _has_16_bits(flat)
    is_cmyk = _is_cmyk(flat) if channels == 1 else tf.zeros_like(has_16_bits)
    decoder = _Decoder(size, channels)
    # Most batches have none of these, and a condition per image would double the time of a small one.
    images = tf.cond(
        tf.reduce_any(has_16_bits | is_cmyk | (orientations > 1)),
        lambda: tf.map_fn(
            lambda fields: decoder.any(*fields),
            (flat, orientations, has_16_bits, is_cmyk),
            fn_output_signature=decoder.spec,
        ),
        lambda: tf.map_fn(decoder.common, flat, fn_output_signature=decoder.spec),
    )
    return tf.reshape(images, [-1, size[0] * size[1] * channels]) / 255.0


class _Decoder:
    """Decodes single images, scalar strings, to float32 (height, width, channels) in 0..255."""

    def __init__(self, size: tuple[int, int], channels: int) -> None:
        self._size = size
        self._channels = channels
        self.spec = tf.TensorSpec((*size, channels), tf.float32)

    def common(self, content: tf.Tensor) -> tf.Tensor:
        """Decode an upright image of 8 bits a sample, without CMYK."""
        return self._resized(self._of_8_bits(content))

    def any(self, content: tf.Tensor, turned: tf.Tensor, has_16_bits: tf.Tensor, is_cmyk: tf.Tensor) -> tf.Tensor:
        """Decode an image that may be rotated, a PNG of 16 bits a sample, or a CMYK JPEG."""

        def of_16_bits() -> tf.Tensor:
            image = tf.io.decode_png(content, channels=self._channels, dtype=tf.uint16)
            return tf.cast(image, tf.float32) / _TO_8_BITS

        def of_cmyk() -> tf.Tensor:
            # TensorFlow converts CMYK to RGB, but not to grey.
            colours = tf.cast(tf.io.decode_image(content, channels=3, expand_animations=False), tf.float32)
            return tf.tensordot(colours, tf.constant(GREY), 1)[:, :, tf.newaxis]

        def of_8_bits() -> tf.Tensor:
            return tf.cast(self._of_8_bits(content), tf.float32)

        image = tf.cond(has_16_bits, of_16_bits, lambda: tf.cond(is_cmyk, of_cmyk, of_8_bits))
        return self._resized(upright(image, turned))

    def _of_8_bits(self, content: tf.Tensor) -> tf.Tensor:
        return tf.io.decode_image(content, channels=self._channels, expand_animations=False)

    def _resized(self, image: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.image.resize(image, self._size, antialias=True), self.spec.shape)


def _has_16_bits(encoded: tf.Tensor) -> tf.Tensor:
    """Return which files, string (n,), are PNG of 16 bits a sample."""
    size = _DEPTH_AT + 1
    head = tf.io.decode_raw(tf.strings.substr(encoded, 0, size), tf.uint8, fixed_length=size)
    return tf.logical_and(tf.equal(head[:, 0], 0x89), tf.equal(head[:, _DEPTH_AT], 16))


def _is_cmyk(encoded: tf.Tensor) -> tf.Tensor:
    """Return which files, string (n,), are JPEG with a frame of four components, which has 20 bytes (T.81, B.2.2)."""
    head = tf.strings.substr(encoded, 0, HEAD_BYTES)
    frames = [after(head, b"\xff" + kind + b"\x00\x14\x08") for kind in (b"\xc0", b"\xc1", b"\xc2")]
    is_jpeg = tf.equal(tf.strings.substr(encoded, 0, 2), b"\xff\xd8")
    return is_jpeg & tf.reduce_any(tf.not_equal(tf.stack(frames), b""), axis=0)
