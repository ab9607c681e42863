"""Images of a folder of classes, found the same way by `new`, `doctor`, `schema diff` and ingestion."""

import json
import os
import shlex
from collections.abc import Mapping, Sequence

from components.ingestion.discovery import data_files, folder_walk, formats, stray_files
from components.ingestion.omissions import Omissions
from errors import UserError
from spec.rows import data_paths

HEAD_BYTES = 32
"""First bytes of a file -> its format."""
_TEXT_ENDINGS = (".txt", ".text", ".md", ".html", ".htm")
READ = ("PNG", "JPEG", "GIF", "WebP", "AVIF", "BMP", "TIFF", "PNM")
"""Supported formats."""
OTHERS = {
    ".heic": "HEIC",
    ".heif": "HEIC",
    ".jxl": "JPEG XL",
    ".jp2": "JPEG 2000",
    ".j2k": "JPEG 2000",
    ".psd": "Photoshop",
    ".xcf": "GIMP",
    ".svg": "SVG",
    ".eps": "EPS",
    ".pdf": "PDF",
    ".ico": "ICO",
    ".tga": "TGA",
    ".exr": "OpenEXR",
    ".dcm": "DICOM",
    **dict.fromkeys((".dng", ".nef", ".cr2", ".cr3", ".arw", ".raf", ".orf", ".rw2"), "a camera's raw format"),
}
"""Extension -> image format that is not supported."""
NO_IMAGE = "no image"
LOOSE = "not in the folder of a class"
_HEADS = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"8BPS": "Photoshop",
    b"%!PS": "EPS",
    b"%PDF": "PDF",
    **{b"P%d%c" % (kind, blank): "PNM" for kind in range(1, 7) for blank in b" \t\r\n#"},
}


def survey(path: str, omissions: Omissions) -> dict[str, list[str]]:
    """Find the images of each class; a class is a subfolder of the data folder.

    Args:
        path: The data folder.
        omissions: Records the skipped files and folders.

    Returns:
        Class -> paths of its images below `path`, CLASS/.../FILE, in order; the classes in order.

    Raises:
        UserError: the folder or a class has no images; the message describes the folder's content.
    """
    folder_omissions = Omissions()
    names = _remote(path) if data_paths.is_remote(path) else list(folder_walk.walk(path, folder_omissions))
    classes: dict[str, list[str]] = {name: [] for name in _class_folders(path)}
    passed: dict[str, dict[str, int]] = {}
    inner: dict[str, None] = {}
    for name in names:
        top, slash, _ = name.partition("/")
        reason = _reason(path, name) if slash else LOOSE
        if reason is None:
            classes.setdefault(top, []).append(name)
            inner |= {name.rpartition("/")[0]: None} if name.count("/") > 1 else {}
            continue
        folder_omissions.add("file", reason, name)
        if slash:
            counts = passed.setdefault(top, {})
            counts[reason] = counts.get(reason, 0) + 1
    for folder in inner:
        folder_omissions.add("folder", "within the folder of a class, so of that class", folder, action="read")
    omissions.merge(folder_omissions)
    _check_splits(path, classes)
    empty = [name for name, images in classes.items() if not images]
    if len(empty) == len(classes):
        reasons = "".join(f"; {line}" for line in folder_omissions.lines()) or ": it is empty"
        raise UserError(f"{path} holds no images that can be read in folders of classes{reasons}. {_fix(path, names)}")
    if empty:
        raise UserError("\n".join(_emptied(path, name, passed.get(name, {})) for name in empty))
    return dict(sorted(classes.items()))


def _fix(path: str, names: Sequence[str]) -> str:
    """Return what to do about a folder without images: its texts, if it has such files, belong in a table."""
    if names and all(name.lower().endswith(_TEXT_ENDINGS) for name in names):
        endings = sorted({os.path.splitext(name)[1] for name in names})
        files = " or ".join(f"*{ending}" for ending in endings)
        script = (
            'import csv, pathlib; rows = csv.writer(open("texts.csv", "w", newline="", encoding="utf-8")); '
            'rows.writerow(["text", "label"]); '
            'rows.writerows([file.read_text(encoding="utf-8"), file.parent.name] '
            f'for file in sorted(pathlib.Path({json.dumps(path)}).rglob("*")) if file.suffix in {json.dumps(endings)})'
        )
        return (
            f"Texts ({files}) are read from a table with a row for each: `python -c {shlex.quote(script)}` writes one"
        )
    return f"Put a folder for each class into it, and images into these: {', '.join(READ)}"


def _check_splits(path: str, classes: Mapping[str, list[str]]) -> None:
    """Check that the folders are classes and not splits that contain the classes.

    Raises:
        UserError: the folders are named like splits, and their images are in subfolders.
    """
    splits = {name: formats.split_of(name) for name in classes}
    if len(splits) < 2 or None in splits.values() or "train" not in splits.values():
        return
    if all(name.count("/") > 1 for images in classes.values() for name in images):
        paths = ", ".join(f'{split} = "{path.rstrip("/")}/{name}"' for name, split in splits.items())
        raise UserError(
            f"{path} holds the folders {', '.join(splits)}, which are splits and no classes: write path = {{{paths}}} "
            'and split.by = "files" under [data]; both train and test are needed, eval is else cut out of train'
        )


def is_image(path: str) -> bool:
    """Return whether a file is an image, by its name or its first bytes."""
    return os.path.isfile(path) and _reason(os.path.dirname(path), os.path.basename(path)) is None


def no_classes(path: str) -> str:
    """Return the message for data that is an image file instead of a folder of classes."""
    return (
        f"{path} is an image: data is a folder that holds a folder for each class, with its images in it; name that "
        "folder, or put the images into folders of classes"
    )


def one_class(path: str, name: str, images: Sequence[str], omissions: Omissions) -> str:
    """Return the message for images that are all in the folder of one class.

    Args:
        path: The data folder.
        name: The class.
        images: Paths of its images, relative to `path`.
        omissions: What was skipped, which may be the other class.
    """
    inner = sorted({file.split("/")[1] for file in images if file.count("/") > 1})
    hint = (
        f"; if {', '.join(inner[:5])} are the classes, name {path.rstrip('/')}/{name} instead" if len(inner) > 1 else ""
    )
    skipped = "".join(f"; {omission.line()}" for omission in omissions if omission.action == "skipped")
    return f"{path} holds one class, {name!r}: two are needed to tell apart{hint}{skipped}"


def emptied(path: str, name: str, reason: str) -> str:
    """Return the message for a class without readable images."""
    return (
        f"{path}: no image of class {name!r} can be read: {reason}. Convert or replace its files, or take the folder "
        f"{name!r} out of the data"
    )


def _emptied(path: str, name: str, passed: Mapping[str, int]) -> str:
    reasons = ", ".join(f"{count:,} file{'' if count == 1 else 's'}: {reason}" for reason, count in passed.items())
    return emptied(path, name, reasons or "its folder is empty, or holds hidden files alone")


def _class_folders(path: str) -> list[str]:
    if data_paths.is_remote(path):
        return []
    try:
        folders = sorted(entry.name for entry in os.scandir(path) if entry.is_dir())
    except OSError as error:
        raise UserError(f"{path} cannot be opened: {error.strerror or error}") from error
    return [name for name in folders if stray_files.reason(name, folder=True) is None]


def _remote(path: str) -> list[str]:
    """Return the paths below a folder in a bucket, where only the name shows the type of a file."""
    folder = path.rstrip("/")
    names = [name[len(folder) + 1 :] for name in data_files.matching(f"{folder}/**")]
    return [name for name in names if not any(part.startswith(".") for part in name.split("/"))]


def _reason(path: str, name: str) -> str | None:
    """Return why a file of a class is skipped; None if it is, or is named like, a supported image."""
    ending = os.path.splitext(name)[1].lower()
    if ending in formats.IMAGES:
        return None
    if ending in OTHERS:
        return not_read(OTHERS[ending], ending)
    if data_paths.is_remote(path):
        return NO_IMAGE
    try:
        with open(os.path.join(path, name), "rb") as file:
            head = file.read(HEAD_BYTES)
            size = file.seek(0, os.SEEK_END)
    except OSError as error:
        return f"cannot be opened ({error.strerror or error})"
    kind = format_of(head, size)
    if kind is None:
        return NO_IMAGE if size else "empty"
    return None if kind in READ else not_read(kind, ending)


def not_read(kind: str, ending: str) -> str:
    """Return why a format is not supported, with the command that converts it."""
    return f"{kind} is not read: convert it, as with `magick mogrify -format png *{ending}`"


def format_of(head: bytes, size: int) -> str | None:
    """Return the format of an image by its first bytes.

    Args:
        head: The first HEAD_BYTES of the file.
        size: Size of the file in bytes.

    Returns:
        One of READ or another image format; None if the file is not an image.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    # Two letters could occur by chance: the file size follows them.
    if head[:2] == b"BM" and int.from_bytes(head[2:6], "little") == size:
        return "BMP"
    if head[4:8] == b"ftyp":
        brands = {head[at : at + 4] for at in range(8, HEAD_BYTES, 4)}
        if brands & {b"avif", b"avis"}:
            return "AVIF"
        return "HEIC" if brands & {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"} else None
    return next((kind for start, kind in _HEADS.items() if head.startswith(start)), None)
