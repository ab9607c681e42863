import gzip
import struct

import numpy as np
import pytest

from components.ingestion.write import image_encoding
from errors import UserError
from spec.data import Image as ImageSize

from ..picture_files import pixels

# IDX


def idx(path, array, kind=8):
    head = struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape)
    content = head + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if path.name.endswith(".gz") else content)


IMAGES = np.arange(5 * 4 * 3).reshape(5, 4, 3)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_images_and_labels_are_png_and_numbers(read, look, tmp_path, suffix):
    path = tmp_path / f"mnist-train-images-idx3-ubyte{suffix}"
    idx(path, IMAGES)
    idx(tmp_path / f"mnist-train-labels-idx1-ubyte{suffix}", np.array([3, 1, 4, 1, 5]))
    batch = read(path, {"image": "BYTES", "label": "INT"})

    assert batch["label"] == [3, 1, 4, 1, 5]
    assert np.array_equal([pixels(image) for image in batch["image"]], IMAGES)
    assert look(path) == ["image", "label"]
    assert read(path, {"label": "BYTES"})["label"] == ["3", "1", "4", "1", "5"]
    assert pixels(read(path, image={"height": 8, "width": 6})["image"][0]).shape == (8, 6)


@pytest.mark.parametrize(
    ("pictures", "labels", "message"),
    [
        (IMAGES, np.zeros(4), r"a-images-idx3-ubyte holds 5 images, but .*a-labels-idx1-ubyte labels of shape \(4,\)"),
        (IMAGES, None, r"there is no file .*a-labels-idx1-ubyte: the labels of images lie beside them"),
        (IMAGES[0], np.zeros(4), r"holds bytes of shape \(4, 3\): images are \(number, height, width\)"),
        (IMAGES[:0], np.zeros(0), "holds no images"),
    ],
)
def test_idx_files_that_do_not_fit_are_named(read, look, tmp_path, pictures, labels, message):
    idx(tmp_path / "a-images-idx3-ubyte", pictures)
    if labels is not None:
        idx(tmp_path / "a-labels-idx1-ubyte", labels)
    for ask in (look, read):
        with pytest.raises(UserError, match=message):
            ask(tmp_path / "a-images-idx3-ubyte")


def test_an_idx_file_that_was_cut_or_is_none_is_named(read, look, tmp_path):
    path = tmp_path / "a-images-idx3-ubyte"
    idx(tmp_path / "a-labels-idx1-ubyte", np.zeros(5))
    idx(path, IMAGES)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="a-images-idx3-ubyte is truncated, or is not an IDX file"):
        read(path)
    path.write_bytes(struct.pack(">HBBIII", 0, 8, 3, 5, 1 << 31, 1 << 31))
    for ask in (look, read):
        with pytest.raises(
            UserError, match=r"a-images-idx3-ubyte holds images of 2,147,483,648 x 2,147,483,648 pixels"
        ):
            ask(path)
    path.write_bytes(b"\x89PNG....")
    with pytest.raises(UserError, match="is not an IDX file of bytes: it starts with 0x8950, 0x4e"):
        look(path)
    path.write_bytes(b"")
    with pytest.raises(UserError, match="is truncated"):
        look(path)


# Pixels in columns


def table(pictures, labels, start=1):
    names = [f"pixel{number + start}" for number in range(pictures[0].size)]
    rows = [",".join(map(str, [label, *image.reshape(-1)])) for label, image in zip(labels, pictures, strict=True)]
    return "\n".join([",".join(["label", *names]), *rows]) + "\n"


SQUARE = np.arange(2 * 9).reshape(2, 3, 3)


@pytest.mark.parametrize("start", [0, 1])
def test_a_table_of_pixels_is_images(read, look, tmp_path, start):
    (tmp_path / "signs.csv").write_text(table(SQUARE, [7, 8], start))
    batch = read(tmp_path / "signs.csv", {"label": "INT", "image": "BYTES"}, format="pixels")

    assert list(batch) == ["image", "label"]
    assert batch["label"] == [7, 8]
    assert np.array_equal([pixels(image) for image in batch["image"]], SQUARE)
    assert look(tmp_path / "signs.csv", format="pixels") == ["image", "label"]


def test_pixels_of_another_form_and_of_colours(read, tmp_path):
    (tmp_path / "a.csv").write_text(table(IMAGES, range(5)))
    flat = read(tmp_path / "a.csv", format="pixels", image={"height": 4, "width": 3})
    (tmp_path / "a.csv").write_text(table(np.arange(12).reshape(1, 2, 2, 3), ["x"]))
    colour = read(tmp_path / "a.csv", format="pixels", image={"height": 2, "width": 2})

    assert pixels(flat["image"][1]).tolist() == IMAGES[1].tolist()
    assert pixels(colour["image"][0]).tolist() == np.arange(12).reshape(2, 2, 3).tolist()
    assert colour["label"] == ["x"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("7,0,1", "7,0,256"), "column 'pixel2', row 2: a pixel is 0 to 255, found 256"),
        (lambda text: text.replace("8,9,10", "8,9,"), "column 'pixel2', row 3: a pixel is 0 to 255, found blank"),
        (lambda text: text.replace("8,9,10", "8,9,x"), "column 'pixel2', row 3: .*'x'"),
        (lambda text: text.replace("pixel9", "other"), "8 pixels make no square: say data.image"),
        (lambda text: text.replace("pixel4", "pix"), "columns pixel1, pixel2, ... are needed, and found are 8"),
        (lambda text: text.replace("pixel", "p"), "columns pixel1, pixel2, ... are needed, and found are 0"),
    ],
)
def test_pixels_that_are_none_are_named(read, tmp_path, change, message):
    (tmp_path / "a.csv").write_text(change(table(SQUARE, [7, 8])))
    with pytest.raises(UserError, match=rf"a\.csv: {message}"):
        read(tmp_path / "a.csv", format="pixels")


@pytest.mark.parametrize("shape", [(1, 1), (28, 28), (3, 5, 1), (5, 3, 3), (300, 200, 3)])
def test_pixels_come_back_as_they_were(shape):
    drawn = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    content = image_encoding.encode(drawn, ImageSize())

    assert np.array_equal(pixels(content), drawn[:, :, 0] if shape[-1] == 1 and len(shape) == 3 else drawn)
    assert image_encoding.encode(drawn, ImageSize(height=shape[0], width=shape[1])) == content
    assert image_encoding.normalize(content, ImageSize()).content == content


def test_the_error_of_an_unknown_file_ending_names_the_key(look, tmp_path):
    (tmp_path / "table.xyz").write_bytes(b"")
    with pytest.raises(UserError, match=r"xyz: the file name does not show the format: set data\.format to one of"):
        look(tmp_path / "table.xyz")
