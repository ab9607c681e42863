"""A served model's folder in a bucket, where folders are not renamed at once and nobody waits for a lock.

What makes a version loadable is its saved_model.pb: TF Serving tries again until it is there, and we do not count a
folder without it. So it is written last and removed first, and whoever is killed in between leaves no version.
"""

from tfx.dsl.io import fileio

from components import versions
from models import probe

LEFT_SECONDS = 86_400
"""What was begun so long ago and has not become a version is removed."""


def place(model: str, folder: str, *, keep: int | None = None) -> int:
    """Make a copy of a model the newest version of a serving folder in a bucket.

    Args:
        model: The model's folder.
        folder: The serving folder.
        keep: How many of the last versions stay, the new one included; None for all.

    Returns:
        Its number, above all that were there.

    Raises:
        ValueError: the copy cannot be loaded, or answers otherwise than the model did when it was exported.
        Exception: what the bucket's client raised. Nothing of the copy stays in either case.
    """
    fileio.makedirs(folder)
    number = versions.following(folder)
    partial, final = f"{folder}/.{number}.partial", f"{folder}/{number}"
    try:
        _copy(model, partial)
        probe.ask(partial)
        _copy(partial, final)
    except BaseException:
        _remove(final)
        raise
    finally:
        _remove(partial)
    there = versions.pushed(folder)
    for old in there[:-keep] if keep else []:
        _remove(f"{folder}/{old}")
    for name in [name.strip("/") for name in fileio.listdir(folder)]:
        begun = name.strip(".").removesuffix(".partial")
        if name not in map(str, there) and begun.isdecimal() and int(begun) < number - LEFT_SECONDS:
            fileio.rmtree(f"{folder}/{name}")
    return number


def _copy(source: str, target: str) -> None:
    paths = [f"{inner}/{name}"[len(source) + 1 :] for inner, _, names in fileio.walk(source) for name in names]
    for path in sorted(paths, key=lambda path: path == versions.MODEL):
        fileio.makedirs(f"{target}/{path}".rpartition("/")[0])
        fileio.copy(f"{source}/{path}", f"{target}/{path}")


def _remove(folder: str) -> None:
    if fileio.exists(f"{folder}/{versions.MODEL}"):
        fileio.remove(f"{folder}/{versions.MODEL}")
    if fileio.exists(folder):
        fileio.rmtree(folder)
