"""Paths of a root that was moved, copied or mounted elsewhere: the store contains the old paths.

An old path is ROOT/PIPELINE/PART/REST. It is translated to the same PIPELINE/PART/REST under the current root if that
exists, or if ROOT is a former root: another path of ROOT was translated. So a file that was deleted here is not looked
for there. In a store that several roots may share, an old path that still exists is kept, and no root is a former one.
"""

import functools
import json
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

PARTS = ("artifacts", "runs", "serving", "settings")
"""Folders of a pipeline that the store has paths of."""
_ARTIFACT_PATHS = ("pushed_destination", "current_model", "baseline_model")
_PACKED = "reads"
"""Property with what a stage reads, packed by spec/settings.py: JSON that may contain the path of a file."""
_RUN_FOLDER = "run_folder"


class Relocation:
    """Translation of paths to the current root.

    Args:
        root: The folder of all runs; None if unknown: then no path is translated.
        in_root: Whether the store is in the root, and so belongs to this root only.
        recorded: Returns the paths of all runs and artifacts in the store.
    """

    def __init__(self, root: str | None, in_root: bool, recorded: Callable[[], Iterable[str]] = tuple) -> None:
        self._root = os.path.abspath(root) if root and "://" not in root else None
        self._in_root = in_root
        self._recorded = recorded

    def path(self, path: str) -> str:
        """Return the current path of a file; the path itself if no other is known."""
        if self._root is None or not path or "://" in path or path.startswith(self._root + os.sep):
            return path
        if not self._in_root and os.path.exists(path):
            return path
        translated = list(self._translated(path))
        existing = (current for _, current in translated if os.path.lexists(current))
        in_former_root = (current for root, current in translated if root in self._former_roots)
        return next(existing, None) or next(in_former_root, path)

    def _translated(self, path: str) -> Iterator[tuple[str, str]]:
        """Yield each folder that may be the root of a path, and the path under the current root."""
        parts = path.split(os.sep)
        for index in range(len(parts) - 2, 1, -1):
            if parts[index] in PARTS:
                yield os.sep.join(parts[: index - 1]) or os.sep, os.path.join(self._root or "", *parts[index - 1 :])

    @functools.cached_property
    def _former_roots(self) -> frozenset[str]:
        """Other roots of which a run or an artifact is under the current root."""
        if self._root is None or not self._in_root:
            return frozenset()
        return frozenset(
            root
            for path in self._recorded()
            if not path.startswith(self._root + os.sep)
            for root, current in self._translated(path)
            if os.path.lexists(current)
        )

    def artifact(self, artifact: Any) -> bool:
        """Translate the paths of an artifact in place; return whether one changed."""
        stored_uri, artifact.uri = artifact.uri, self.path(artifact.uri)
        packed = self._packed(artifact)
        return self._properties(artifact, _ARTIFACT_PATHS) or packed or stored_uri != artifact.uri

    def context(self, context: Any) -> bool:
        """Translate the path of a run's folder in place; return whether it changed."""
        return self._properties(context, (_RUN_FOLDER,))

    def _packed(self, artifact: Any) -> bool:
        text = artifact.custom_properties[_PACKED].string_value if _PACKED in artifact.custom_properties else ""
        if self._root is None or self._root in text or '"file"' not in text:
            return False
        packed = json.loads(text)
        relocated = self.path(packed.get("file", ""))
        if relocated == packed.get("file", ""):
            return False
        artifact.custom_properties[_PACKED].string_value = json.dumps({**packed, "file": relocated})
        return True

    def _properties(self, node: Any, keys: tuple[str, ...]) -> bool:
        changed = False
        for key in keys:
            if key in node.custom_properties:
                stored_path = node.custom_properties[key].string_value
                relocated = self.path(stored_path)
                if relocated != stored_path:
                    node.custom_properties[key].string_value = relocated
                    changed = True
        return changed


def run_folder(context: Any) -> str:
    """Return the folder that a run's context names; empty if it names none."""
    return str(context.custom_properties[_RUN_FOLDER].string_value) if _RUN_FOLDER in context.custom_properties else ""


def recorded_paths(query: Callable[..., Any]) -> Iterator[str]:
    """Yield the folders of all runs and the paths of all artifacts, as they are in the store.

    Args:
        query: Calls a method of ML Metadata.
    """
    yield from map(run_folder, query("get_contexts_by_type", "pipeline_run"))
    yield from (artifact.uri for artifact in query("get_artifacts"))


def rewrite(mlmd: Any, pipeline_id: int, relocation: Relocation) -> int:
    """Write the current paths of a pipeline's artifacts and runs to the store, from which TFX reads them.

    The caller holds the pipeline's lock.

    Args:
        mlmd: ML Metadata.
        pipeline_id: Id of the pipeline's context.
        relocation: Translates the paths.

    Returns:
        Number of changed artifacts and runs.
    """
    artifacts = [node for node in mlmd.get_artifacts_by_context(pipeline_id) if relocation.artifact(node)]
    runs = [node for node in mlmd.get_children_contexts_by_context(pipeline_id) if relocation.context(node)]
    if artifacts:
        mlmd.put_artifacts(artifacts)
    if runs:
        mlmd.put_contexts(runs)
    return len(artifacts) + len(runs)
