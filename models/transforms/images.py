"""Encoded pictures to pixels."""

from typing import Any

import tensorflow as tf

from models import role_kinds as kinds
from models.transforms import cells


def image(raw: Any, role: kinds.Image) -> tf.Tensor:
    """Decode PNG or JPEG of any size, resize and scale to 0..1.

    Resized bilinearly, with antialiasing where it shrinks; a picture that has the size already keeps its pixels. Colour
    becomes grey, grey colour, as `channels` says; an alpha channel is dropped.

    Returns:
        float32 (batch, height * width * channels), rows of pixels one after the other.
    """
    encoded = cells.read(raw, role.column, None).value
    head = tf.strings.substr(encoded, 0, 4)
    good = tf.logical_or(tf.equal(head, b"\x89PNG"), tf.equal(tf.strings.substr(encoded, 0, 3), b"\xff\xd8\xff"))
    # The value itself is not shown: it is no text.
    head = cells.require(head, good, role.column, "must hold pictures, PNG or JPEG")
    with tf.control_dependencies([head]):
        flat = tf.reshape(encoded, [-1])
    size = (role.height, role.width)

    def pixels(cell: tf.Tensor) -> tf.Tensor:
        picture = tf.io.decode_image(cell, channels=role.channels, expand_animations=False)
        return tf.ensure_shape(tf.image.resize(picture, size, antialias=True), (*size, role.channels))

    made = tf.map_fn(pixels, flat, fn_output_signature=tf.TensorSpec((*size, role.channels), tf.float32))
    return tf.reshape(made, [-1, role.height * role.width * role.channels]) / 255.0
