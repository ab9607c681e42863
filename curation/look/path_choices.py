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
        split: os.path.join(shown, paths_of_split[0])
        if len(paths_of_split) == 1
        else [os.path.join(shown, name) for name in paths_of_split]
        for split, paths_of_split in splits.items()
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
    by_split: dict[str, list[str]] = {}
    said, others = [], []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        split, path = formats.split_of(name), os.path.join(folder, name)
        if stray_files.reason(name, folder=os.path.isdir(path)) is not None or "labels" in name:
            continue
        if split is None:
            others.append(name)
        else:
            by_split.setdefault(split, []).append(name)
    if "train" not in by_split or len(by_split) < 2:
        return {}, []
    of_images = {name for names in by_split.values() for name in names if os.path.isdir(os.path.join(folder, name))}
    if of_images:
        labelled = {name for name in of_images if data_files.format_of(os.path.join(folder, name)) == "images"}
        if not labelled.intersection(by_split["train"]):
            # Classes that are named like splits, such as trains and tests.
            return {}, []
        for name in sorted(of_images - labelled):
            said.append(f"{name} is skipped: its images are not in class folders, so they have no labels")
        by_split = {
            split: kept for split, names in by_split.items() if (kept := [name for name in names if name in labelled])
        }
    if others:
        said.append(f"skipped, because the names do not tell a split: {', '.join(others)}")
    if "test" not in by_split and "eval" in by_split:
        by_split["test"] = by_split.pop("eval")
        said.append(
            f"there is no test split: {' and '.join(by_split['test'])} is the test split, and eval is cut out of train"
        )
    return by_split, said
