"""Choice of data.path, and detection of files or folders named by split."""

import os
from typing import Any

from components.ingestion.discovery import data_files, formats, stray_files


def proposed(source: str, root: str) -> tuple[Any, str, list[str]]:
    """Propose data.path.

    Args:
        source: A file, a pattern of files or a folder.
        root: The project folder: a path inside it is written relative to it.

    Returns:
        data.path, its reason, and findings, one sentence each.
    """
    inside = os.path.relpath(source, root)
    path, reasons = (source, ["outside the project folder: copy it to data/ before you compile for a cloud"])
    if not inside.startswith(os.pardir):
        path, reasons = inside, []
    splits, findings = ready_made(source)
    if not splits:
        return path, "; ".join(reasons), []
    if set(splits) == {"train"}:
        return os.path.join(path, splits["train"][0]), "; ".join([*reasons, *findings]), findings
    names = {
        split: os.path.join(path, paths_of_split[0])
        if len(paths_of_split) == 1
        else [os.path.join(path, name) for name in paths_of_split]
        for split, paths_of_split in splits.items()
    }
    return names, "; ".join([*reasons, "splits by file name", *findings]), findings


def ready_made(folder: str) -> tuple[dict[str, list[str]], list[str]]:
    """Find files or folders in a folder that are named by split.

    Args:
        folder: A path; a file has none.

    Returns:
        Split -> names; empty unless there are names for train and another split. For images it is `train` alone if no
        other split has class folders, and so labels.
    """
    by_split: dict[str, list[str]] = {}
    findings, unmatched = [], []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        split, path = formats.split_of(name), os.path.join(folder, name)
        if stray_files.reason(name, folder=os.path.isdir(path)) is not None or "labels" in name:
            continue
        if split is None:
            unmatched.append(name)
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
            findings.append(f"{name} is skipped: its images are not in class folders, so they have no labels")
        by_split = {
            split: labelled_names
            for split, names in by_split.items()
            if (labelled_names := [name for name in names if name in labelled])
        }
    if unmatched:
        findings.append(f"skipped, because the names contain no split: {', '.join(unmatched)}")
    if "test" not in by_split and "eval" in by_split:
        by_split["test"] = by_split.pop("eval")
        findings.append(
            f"there is no test split: {' and '.join(by_split['test'])} is the test split, and eval is cut out of train"
        )
    return by_split, findings
