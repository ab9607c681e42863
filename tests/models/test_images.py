"""Every kind of PNG and JPEG file to pixels in the graph, by which training and serving decode alike."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from models.transform_graph.images import exif as orientation
from models.transform_graph.images import image_decoding

from ..picture_files import ORIENTATION, deep, encoded, noise, turned


def pixels(content, channels=3, height=12, width=16):
    pixels = image_decoding.decode(tf.constant([[content]]), (height, width), channels, column="image")
    return pixels.numpy().reshape(height, width, channels)


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_of_16_bits_is_scaled_over_its_full_range(channels):
    decoded = pixels(encoded(Image.fromarray(deep()), "PNG"), channels)

    np.testing.assert_allclose(decoded, np.repeat(deep()[:, :, np.newaxis] / 65535, channels, axis=2), atol=1e-6)


def test_pictures_of_all_depths_stand_in_one_batch():
    grey = Image.fromarray((deep() // 257).astype(np.uint8))
    contents = [encoded(grey, "PNG"), encoded(Image.fromarray(deep()), "PNG"), encoded(grey, "JPEG", quality=100)]
    decoded = image_decoding.decode(tf.constant(contents)[:, tf.newaxis], (12, 16), 1, column="image").numpy()

    np.testing.assert_allclose(decoded[0], decoded[1], atol=1 / 255)
    np.testing.assert_allclose(decoded[0], decoded[2], atol=8 / 255)


def palette(**keys):
    return encoded(noise().quantize(16), "PNG", **keys)


ALPHA = Image.fromarray((deep() // 257).astype(np.uint8))


@pytest.mark.parametrize(
    "content",
    [
        palette(),
        palette(transparency=3),
        palette(transparency=bytes(range(16))),
        encoded(noise().convert("1"), "PNG"),
        encoded(noise().convert("L"), "PNG", transparency=5),
        encoded(Image.merge("LA", [noise().convert("L"), ALPHA]), "PNG"),
        encoded(Image.merge("RGBA", [*noise().split(), ALPHA]), "PNG"),
    ],
    ids=["palette", "one clear colour", "clear colours", "1 bit", "a clear grey", "grey and alpha", "alpha"],
)
def test_png_of_any_mode_is_as_pillow_reads_it(content):
    with Image.open(io.BytesIO(content)) as image:
        expected = np.asarray(image.convert("RGBA").convert("RGB"))

    np.testing.assert_allclose(pixels(content) * 255, expected, atol=1e-3)


def test_a_jpeg_of_four_inks_becomes_colours_and_grey():
    content = encoded(noise().convert("CMYK"), "JPEG", quality=95)
    with Image.open(io.BytesIO(content)) as image:
        colours = image.convert("RGB")

    np.testing.assert_allclose(pixels(content) * 255, np.asarray(colours), atol=15)
    np.testing.assert_allclose(pixels(content, 1)[:, :, 0] * 255, np.asarray(colours.convert("L")), atol=15)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("value", range(1, 9))
def test_an_image_is_rotated_by_its_exif_orientation(kind, value):
    content = turned(value, kind)
    with Image.open(io.BytesIO(content)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    decoded = pixels(content, height=expected.shape[0], width=expected.shape[1])

    np.testing.assert_allclose(decoded * 255, expected, atol=6 if kind == "JPEG" else 1e-3)


def test_grey_of_16_bits_is_turned_too():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    decoded = pixels(encoded(Image.fromarray(deep()), "PNG", exif=exif), 1, height=16, width=12)

    np.testing.assert_allclose(decoded[:, :, 0], np.rot90(deep(), -1) / 65535, atol=1e-6)


def exif(little, value, *, kind=3, at=8, entries=1):
    """A TIFF structure whose last entry is the orientation."""
    order = "little" if little else "big"

    def number(integer, size):
        return integer.to_bytes(size, order)

    head = (b"II*\0" if little else b"MM\0*") + number(at, 4) + bytes(at - 8)
    other_entries = b"".join(
        number(0x0100 + n, 2) + number(3, 2) + number(1, 4) + number(7, 2) + b"\0\0" for n in range(entries)
    )
    held = number(value, 2) + b"\0\0" if kind == 3 else number(value, 4)
    orientation_entry = number(ORIENTATION, 2) + number(kind, 2) + number(1, 4) + held
    return head + number(entries + 1, 2) + other_entries + orientation_entry + number(0, 4)


def found(*structures):
    files = [encoded(noise(), "JPEG", exif=b"Exif\0\0" + structure) for structure in structures]
    return orientation.orientation(tf.constant(files)).numpy().tolist()


def test_the_orientation_is_found_in_either_byte_order_and_any_place():
    structures = [
        exif(little, 6, kind=kind, at=at, entries=entries)
        for little in (True, False)
        for kind in (3, 4)
        for at in (8, 30)
        for entries in (0, 1, 12)
    ]

    assert found(*structures) == [6] * len(structures)


def test_what_is_no_orientation_means_upright():
    valid = exif(True, 6)
    nonsense = [exif(True, 0), exif(False, 9), exif(True, 65535), valid[:4], valid[:20], b"", b"XX" + valid[2:]]
    far = b"II*\0" + b"\xff\xff\xff\xff" + valid[8:]

    assert found(*nonsense, far) == [1] * 8
    plain = [encoded(noise(), "JPEG"), encoded(noise(), "PNG"), b"\xff\xd8\xff", b"\x89PNG"]
    assert orientation.orientation(tf.constant(plain)).numpy().tolist() == [1] * 4


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "BMP", "TIFF"])
def test_a_file_of_another_format_is_refused_and_never_read_otherwise(kind):
    with pytest.raises(tf.errors.InvalidArgumentError, match="column 'image' must hold images, PNG or JPEG"):
        pixels(encoded(noise(), kind))
