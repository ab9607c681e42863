"""Folders of images: what is kept, converted and refused of their files."""

import math
import os
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from components.ingestion.discovery import image_folders
from components.ingestion.omissions import Omissions
from components.ingestion.readers import images as folder_source
from components.ingestion.write import image_encoding
from errors import UserError
from spec.data import Data
from spec.data import Image as ImageSize

from ..picture_files import HEIC, ORIENTATION, classes, deep, encoded, noise, pixels, turned


@pytest.fixture
def folder(tmp_path):
    """Two classes: cat/a.png grey, cat/b.jpg and dog/deep/c.jpeg in colour; and what is none."""
    for name, mode in {"cat/a.png": "L", "cat/b.jpg": "RGB", "dog/deep/c.jpeg": "RGB"}.items():
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, (6, 4), 100 if mode == "L" else (200, 0, 0)).save(tmp_path / "pets" / name)
    (tmp_path / "pets" / "README.md").write_text("About")
    (tmp_path / "pets" / "cat" / "notes.txt").write_text("About")
    (tmp_path / "pets" / ".cache").mkdir()
    (tmp_path / "pets" / ".cache" / "x.png").write_text("About")
    return tmp_path / "pets"


def test_a_folder_of_images_is_images_classes_and_files(read, look, folder):
    table = read(folder)
    rows = sorted(zip(table["file"], table["label"], strict=True))

    assert rows == [("cat/a.png", "cat"), ("cat/b.jpg", "cat"), ("dog/deep/c.jpeg", "dog")]
    for name, image in zip(table["file"], table["image"], strict=True):
        assert image == (folder / name).read_bytes()
    assert look(folder) == ["image", "label", "file"]


def test_images_are_resized_where_a_size_is_given(read, folder):
    table = read(folder, image={"height": 2, "width": 3})
    shapes = {name: pixels(image).shape for name, image in zip(table["file"], table["image"], strict=True)}

    assert shapes == {"cat/a.png": (2, 3), "cat/b.jpg": (2, 3, 3), "dog/deep/c.jpeg": (2, 3, 3)}


NO_SIZE = ImageSize()
KEPT = {
    "PNG": encoded(noise(), "PNG"),
    "JPEG": encoded(noise(), "JPEG"),
    "16 bits": encoded(Image.fromarray(deep()), "PNG"),
    "palette": encoded(noise().quantize(16), "PNG", transparency=3),
    "EXIF": turned(6),
    "EXIF in PNG": turned(6, "PNG"),
    "four inks": encoded(noise().convert("CMYK"), "JPEG"),
    "two pictures in a JPEG": encoded(noise(), "MPO", save_all=True, append_images=[noise(1)]),
    "a tail": encoded(noise(), "JPEG") + b"what a camera wrote",
}


@pytest.mark.parametrize("content", KEPT.values(), ids=KEPT)
def test_what_a_model_may_be_served_is_kept_byte_for_byte(content):
    normalized = image_encoding.normalize(content, NO_SIZE)

    assert normalized.content == content
    assert (normalized.converted, normalized.frames) == (False, 1)


LOSSLESS = ("GIF", "BMP", "TIFF", "WEBP", "PPM")


@pytest.mark.parametrize("kind", [*LOSSLESS, "AVIF"])
def test_a_file_of_another_format_becomes_png_with_its_pixels(kind):
    drawn = noise().quantize(16).convert("RGB")
    normalized = image_encoding.normalize(
        encoded(drawn, kind, **({"lossless": True} if kind == "WEBP" else {})), NO_SIZE
    )

    assert normalized.converted
    assert normalized.source in image_folders.READ
    np.testing.assert_allclose(pixels(normalized.content), np.asarray(drawn), atol=90 if kind == "AVIF" else 0)


@pytest.mark.parametrize(
    ("mode", "kind", "expected"),
    [
        ("1", "TIFF", [[0, 255]]),
        ("L", "BMP", [[0, 200]]),
        ("I;16", "TIFF", [[0, 51400]]),
        ("I;16B", "TIFF", [[0, 51400]]),
        ("I", "TIFF", [[0, 51400]]),
        ("F", "TIFF", [[0, 51400]]),
        ("I", "PPM", [[0, 51400]]),
    ],
)
@pytest.mark.parametrize("size", [NO_SIZE, ImageSize(height=1, width=2)])
def test_grey_pixels_of_every_mode_keep_their_range(mode, kind, expected, size):
    values = {"1": np.array([[0, 255]], np.uint8), "L": np.array([[0, 200]], np.uint8)}
    wide = {"I": np.int32, "F": np.float32, "I;16": np.uint16, "I;16B": ">u2"}
    pixel = np.array([[0, 51400]])
    array = values[mode] if mode in values else (pixel / 65535 if mode == "F" else pixel).astype(wide[mode])
    image = Image.fromarray(array).convert("1") if mode == "1" else Image.fromarray(array)
    normalized = image_encoding.normalize(encoded(image, kind), size)

    assert pixels(normalized.content).tolist() == expected


def test_deep_pixels_that_are_resized_stay_deep():
    normalized = image_encoding.normalize(encoded(Image.fromarray(deep()), "PNG"), ImageSize(height=6, width=8))
    expected = deep().reshape(6, 2, 8, 2).mean(axis=(1, 3))

    assert pixels(normalized.content).dtype.kind in "ui"
    np.testing.assert_allclose(pixels(normalized.content)[1:-1, 1:-1], expected[1:-1, 1:-1], atol=700)


@pytest.mark.parametrize(("mode", "most"), [("I", 65536), ("F", 1.5), ("F", math.nan), ("I", -1)])
def test_pixels_of_an_unknown_range_are_refused(mode, most):
    array = np.array([[0, most]]).astype({"I": np.int32, "F": np.float32}[mode])
    with pytest.raises(
        image_encoding.BadImageError, match=r"its pixels are .* from .* to .*: scale them, and write PNG of 16 bi"
    ):
        image_encoding.normalize(encoded(Image.fromarray(array), "TIFF"), NO_SIZE)


@pytest.mark.parametrize("value", [1, 3, 6, 8])
def test_a_converted_picture_is_upright(value):
    exif = Image.Exif()
    exif[ORIENTATION] = value
    content = encoded(noise(), "WEBP", exif=exif, lossless=True)
    quarter = {1: 0, 3: 2, 6: 3, 8: 1}[value]

    assert np.array_equal(
        pixels(image_encoding.normalize(content, NO_SIZE).content), np.rot90(np.asarray(noise()), quarter)
    )


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG"])
def test_the_first_of_several_images_in_a_file_is_read_and_reported(read, folder, kind):
    (folder / "cat" / "a.png").write_bytes(encoded(noise(), kind, save_all=True, append_images=[noise(1), noise(2)]))
    omissions = Omissions()
    table = read(folder, omissions=omissions)

    image = pixels(table["image"][table["file"].index("cat/a.png")])
    assert np.abs(image.astype(int) - np.asarray(noise())).mean() < 8
    assert "cut 1 file: several images in one file, of which the first is read (cat/a.png)" in omissions.lines()


def large(height, width):
    """Return a PNG of few bytes whose header has this many pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", len(head)) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return b"\x89PNG\r\n\x1a\n" + chunk + encoded(noise(), "PNG")[33:]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"<html>not found</html>", "it is not an image"),
        (encoded(noise(), "JPEG")[:-200], r"this JPEG file is broken or was cut \(.*[Tt]runcated"),
        (encoded(noise(), "PNG")[:-200], r"this PNG file is broken or was cut \("),
        (encoded(noise(), "PNG")[:-8], "it is truncated"),
        (encoded(noise(), "WEBP")[:-40], "this WebP file is broken or was cut"),
        (HEIC, "it is HEIC, which is not read: convert it, as with `magick mogrify -format png`"),
        (large(12_000, 9_000), r"it has 9,000 x 12,000 pixels, more than 100,000,000: make it smaller"),
        (large(14_000, 14_000), "it has 196,000,000 pixels, more than 100,000,000"),
        (large(60_000, 60_000), "it has 3,600,000,000 pixels"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "it is EPS, which is not read"),
    ],
)
def test_every_file_that_is_no_image_is_named_by_the_look_and_by_the_reader(read, look, folder, content, reason):
    (folder / "cat" / "b.jpg").write_bytes(content)
    (folder / "dog" / "other.png").write_bytes(encoded(noise(), "PNG"))
    (folder / "dog" / "deep" / "c.jpeg").write_text("not an image")
    for ask in (look, read):
        with pytest.raises(UserError) as caught:
            ask(folder)
        first_error, second_error, summary = sorted(
            str(caught.value).splitlines(), key=lambda line: "max_broken" in line
        )
        assert re.match(rf"{folder}/cat/b.jpg cannot be read as an image: {reason}", min(first_error, second_error))
        assert (
            max(first_error, second_error) == f"{folder}/dog/deep/c.jpeg cannot be read as an image: it is not an image"
        )
        assert summary == (
            f"{folder}: 2 of 4 images cannot be read, more than data.image.max_broken = 0: replace them or take them "
            "out, or write data.image.max_broken = 0.5 to leave them out"
        )


def test_broken_files_within_the_share_are_left_out_and_named(read, look, folder):
    (folder / "cat" / "b.jpg").write_bytes(b"")
    line = "left out 1 file: it is empty (cat/b.jpg)"
    for ask in (look, read):
        omissions = Omissions()
        images = ask(folder, image={"max_broken": 0.4}, omissions=omissions)
        assert line in omissions.lines()
    assert sorted(images["file"]) == ["cat/a.png", "dog/deep/c.jpeg"]


def test_a_class_whose_images_are_all_broken_stops_whatever_share_may_be(read, look, folder):
    (folder / "dog" / "deep" / "c.jpeg").write_bytes(b"")
    for ask in (look, read):
        with pytest.raises(UserError, match="no image of class 'dog' can be read: all 1 of its images are broken"):
            ask(folder, image={"max_broken": 1})


def test_a_look_finds_a_cut_file_among_many_without_decoding_all(look, tmp_path, monkeypatch):
    root = classes(tmp_path, count=9)
    picture = (root / "cat" / "7.png").read_bytes()
    (root / "cat" / "7.png").write_bytes(picture[: len(picture) // 2])
    decoded = []
    normalize = image_encoding.normalize
    monkeypatch.setattr(
        image_encoding, "normalize", lambda content, size: (decoded.append(1), normalize(content, size))[1]
    )
    with pytest.raises(UserError, match=r"cat/7\.png cannot be read as an image: this PNG file is broken or was cut"):
        look(root)
    assert len(decoded) == 7


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_look_finds_an_image_with_too_many_pixels_among_many(look, tmp_path, monkeypatch, kind):
    root = classes(tmp_path, count=9)
    (root / "cat" / "7.png").write_bytes(encoded(Image.new("L", (40, 30)), kind))
    monkeypatch.setattr(image_encoding, "MAX_PIXELS", 1000)
    monkeypatch.setattr(folder_source, "LARGE_BYTES", 0)
    with pytest.raises(
        UserError, match=r"cat/7\.png cannot be read as an image: it has 40 x 30 pixels, more than 1,000"
    ):
        look(root)


def test_a_link_to_nothing_is_a_broken_file(look, folder):
    os.symlink(folder / "gone.png", folder / "cat" / "c.png")
    with pytest.raises(UserError, match=r"cat/c\.png cannot be read as an image: it is a broken link"):
        look(folder)


def test_a_name_that_is_no_text_is_a_finding(look, folder):
    with open(os.fsencode(folder) + b"/cat/\xff.png", "wb") as file:
        file.write(encoded(noise(), "PNG"))
    with pytest.raises(UserError, match="cannot be read as an image: its name is not UTF-8: rename it"):
        look(folder)


def test_folders_named_by_digits_have_the_type_of_the_schema(read, tmp_path):
    root = classes(tmp_path, names=("0", "1", "9"), count=1)

    assert sorted(read(root)["label"]) == ["0", "1", "9"]
    assert sorted(read(root, {"label": "INT"})["label"]) == [0, 1, 9]
    classes(tmp_path, names=("cat",), count=1)
    with pytest.raises(UserError, match="the schema says that label is INT, and the folder of a class is named 'cat'"):
        read(root, {"label": "INT"})


def test_a_batch_is_full_by_its_bytes_too(folder, monkeypatch):
    monkeypatch.setattr(folder_source, "BATCH_BYTES", 1)
    settings = Data(path="not read")

    assert [len(batch) for batch in folder_source.batches(str(folder), settings, {})] == [1, 1, 1]
