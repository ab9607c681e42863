"""Reader of images in CSV files with a label and one column per pixel, such as Sign-Language-MNIST."""

import math
import re
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa

from components.ingestion.omissions import Omissions
from components.ingestion.readers import Format
from components.ingestion.readers import csv as csv_source
from components.ingestion.write import image_encoding
from errors import UserError
from spec.data import Data, Image

FORMAT = Format(keys=("csv", "image", "drop", "partitions"), is_csv=True, is_cleaned=True)
_PIXEL = re.compile(r"pixel_?(\d+)", re.IGNORECASE)


def batches(
    path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
) -> Iterator[pa.RecordBatch]:
    """Read a file in batches.

    Args:
        path: A CSV file with columns pixel1 to pixelN, or from pixel0 on, row by row of the image, and others.
        data: [data]: `csv`, `null_values`, `strip_whitespace`, and `image`: the size of the images; square if unset.
        columns: Column name -> INT, FLOAT or BYTES, of the other columns.
        omissions: Records skipped, dropped and converted parts.

    Yields:
        Batches of `image` (PNG) and the other columns.

    Raises:
        UserError: the file cannot be read, or a value is not a pixel; the message names file, column and row.
    """
    names = csv_source.header(path, data)
    pixels = _pixels(path, names)
    shape = _shape(path, len(pixels), data)
    image_settings = Image()
    kinds = dict.fromkeys(pixels, "INT") | {name: kind for name, kind in columns.items() if name != "image"}
    rows = 0
    for batch in csv_source.batches(path, data, kinds, omissions):
        values = np.empty((len(batch), len(pixels)), np.uint8)
        for number, name in enumerate(pixels):
            cells = batch.column(batch.schema.get_field_index(name))
            column = cells.fill_null(-1).to_numpy(zero_copy_only=False)
            invalid_rows = np.flatnonzero((column < 0) | (column > 255))
            if len(invalid_rows):
                row, cell = rows + int(invalid_rows[0]) + 2, cells[int(invalid_rows[0])].as_py()
                cell_text = "blank" if cell is None else cell
                raise UserError(f"{path}: column {name!r}, row {row}: a pixel is 0 to 255, found {cell_text}")
            values[:, number] = column
        encoded = [
            image_encoding.encode(pixels_of_row, image_settings) for pixels_of_row in values.reshape(len(batch), *shape)
        ]
        other_names = [name for name in batch.schema.names if name not in kinds or name in columns]
        other_columns = [batch.column(batch.schema.get_field_index(name)) for name in other_names]
        yield pa.RecordBatch.from_arrays([pa.array(encoded, pa.binary()), *other_columns], ["image", *other_names])
        rows += len(batch)


def types(path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None) -> dict[str, str]:
    """Return the types of `image` and the other columns: the given type, else the narrowest that fits all cells.

    Raises:
        UserError: as for `batches`.
    """
    pixels = _pixels(path, csv_source.header(path, data))
    kinds = csv_source.types(path, data, dict.fromkeys(pixels, "INT") | dict(columns), omissions)
    return {"image": "BYTES"} | {name: kind for name, kind in kinds.items() if name not in pixels}


def look(path: str, data: Data, omissions: Omissions | None = None) -> list[str]:
    """Check that a file can be read and that its pixels form an image.

    Returns:
        `image` and the names of the other columns.

    Raises:
        UserError: the file cannot be read, or its pixels do not form an image.
    """
    names = csv_source.look(path, data, omissions)
    pixels = _pixels(path, names)
    _shape(path, len(pixels), data)
    return ["image", *(name for name in names if name not in pixels)]


def _pixels(path: str, names: list[str]) -> list[str]:
    """Return the pixel columns in order of their numbers."""
    names_by_index = {int(match[1]): name for name in names if (match := _PIXEL.fullmatch(name))}
    numbers = sorted(names_by_index)
    if not numbers or numbers != list(range(numbers[0], numbers[0] + len(numbers))) or numbers[0] > 1:
        raise UserError(f"{path}: columns pixel1, pixel2, ... are needed, and found are {len(numbers)} of them")
    return [names_by_index[number] for number in numbers]


def _shape(path: str, count: int, data: Data) -> tuple[int, ...]:
    """Return height, width and, for color images, channels."""
    height, width = data.image.height, data.image.width
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        shape = (side, side) if height is None or width is None else (height, width)
        if shape[0] * shape[1] * channels == count:
            return shape if channels == 1 else (*shape, channels)
    problem = "no square" if height is None else f"no image of {height} x {width}"
    raise UserError(f"{path}: {count} pixels make {problem}: say data.image = {{height = ..., width = ...}}")
