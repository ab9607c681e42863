"""Choice of data.path, and detection of files or folders named by split."""

import os
from typing import Any

from components.ingestion.discovery import data_files, formats, stray_files


def proposed(whole: str, root: str) -> tuple[Any, str, list[str]]:
    """Propose data.path.

    Args:
        whole: A file, a pattern of files or a folder.
        root: The project folder: a path inside it is written relative to it.

    Returns:
        data.path, its reason, and findings, one sentence each.
    """
    inside = os.path.relpath(whole, root)
    shown, reasons = (whole, ["outside the project folder: copy it to data/ before you compile for a cloud"])
    if not inside.startswith(os.pardir):
        shown, reasons = inside, []
    splits, said = ready_made(whole)
    if not splits:
        return shown, "; ".join(reasons), []
    if set(splits) == {"train"}:
        return os.path.join(shown, splits["train"][0]), "; ".join([*reasons, *said]), said
    names = {
        split: os.path.join(shown, found[0]) if len(found) == 1 else [os.path.join(shown, name) for name in found]
        for split, found in splits.items()
    }
    return names, "; ".join([*reasons, "splits by file name", *said]), said


def ready_made(folder: str) -> tuple[dict[str, list[str]], list[str]]:
    """Find files or folders in a folder that are named by split.

    Args:
        folder: A path; a file has none.

    Returns:
        Split -> names; empty unless there are names for train and another split. For images it is `train` alone if no
        other split has class folders, and so labels.
    """
    found: dict[str, list[str]] = {}
    said, others = [], []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        split, path = formats.split_of(name), os.path.join(folder, name)
        if stray_files.reason(name, folder=os.path.isdir(path)) is not None or "labels" in name:
            continue
        if split is None:
            others.append(name)
        else:
            found.setdefault(split, []).append(name)
    if "train" not in found or len(found) < 2:
        return {}, []
    of_images = {name for names in found.values() for name in names if os.path.isdir(os.path.join(folder, name))}
    if of_images:
        labelled = {name for name in of_images if data_files.format_of(os.path.join(folder, name)) == "images"}
        if not labelled.intersection(found["train"]):
            # Classes that are named like splits, such as trains and tests.
            return {}, []
        for name in sorted(of_images - labelled):
            said.append(f"{name} is skipped: its images are not in class folders, so they have no labels")
        found = {
            split: kept for split, names in found.items() if (kept := [name for name in names if name in labelled])
        }
    if others:
        said.append(f"skipped, because the names do not tell a split: {', '.join(others)}")
    if "test" not in found and "eval" in found:
        found["test"] = found.pop("eval")
        said.append(
            f"there is no test split: {' and '.join(found['test'])} is the test split, and eval is cut out of train"
        )
    return found, said
