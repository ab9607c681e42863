"""Paths of a root that was moved, copied or mounted elsewhere: the store has the old ones, the files are in the new.

A path of before is ROOT/PIPELINE/PART/REST. It is read as the same PIPELINE/PART/REST under the root of today, where
that is there; a store that several roots may share keeps paths that still lead somewhere.
"""

import json
import os
from typing import Any

PARTS = ("artifacts", "runs", "serving", "settings")
"""Folders of a pipeline that paths in the store lead to."""
_ARTIFACT_PATHS = ("pushed_destination", "current_model", "baseline_model")
_PACKED = "reads"
"""What stages read, as spec/settings.py packs it: JSON that may name a file."""
_RUN_FOLDER = "run_folder"


class Relocation:
    """Reads paths as they are under a root.

    Args:
        root: The folder of all runs; None where it is not known, so that no path is read otherwise.
        own: Whether the store lies in the root, so that it is of no other.
    """

    def __init__(self, root: str | None, own: bool) -> None:
        self._root = os.path.abspath(root) if root and "://" not in root else None
        self._own = own

    def path(self, path: str) -> str:
        """The path where the file is now; the path itself where no other is known."""
        if self._root is None or not path or "://" in path or path.startswith(self._root + os.sep):
            return path
        if not self._own and os.path.exists(path):
            return path
        parts = path.split(os.sep)
        for place in range(len(parts) - 2, 0, -1):
            if parts[place] in PARTS:
                here = os.path.join(self._root, *parts[place - 1 :])
                if os.path.lexists(here):
                    return here
        return path

    def artifact(self, artifact: Any) -> bool:
        """Read the paths of an artifact so, in place; say whether one differs."""
        before, artifact.uri = artifact.uri, self.path(artifact.uri)
        packed = self._packed(artifact)
        return self._properties(artifact, _ARTIFACT_PATHS) or packed or before != artifact.uri

    def context(self, context: Any) -> bool:
        """Read the path of a run's folder so, in place; say whether it differs."""
        return self._properties(context, (_RUN_FOLDER,))

    def _packed(self, artifact: Any) -> bool:
        text = artifact.custom_properties[_PACKED].string_value if _PACKED in artifact.custom_properties else ""
        if self._root is None or self._root in text or '"file"' not in text:
            return False
        packed = json.loads(text)
        after = self.path(packed.get("file", ""))
        if after == packed.get("file", ""):
            return False
        artifact.custom_properties[_PACKED].string_value = json.dumps({**packed, "file": after})
        return True

    def _properties(self, node: Any, keys: tuple[str, ...]) -> bool:
        changed = False
        for key in keys:
            if key in node.custom_properties:
                before = node.custom_properties[key].string_value
                after = self.path(before)
                if after != before:
                    node.custom_properties[key].string_value = after
                    changed = True
        return changed


def rewrite(mlmd: Any, pipeline_id: int, relocation: Relocation) -> int:
    """Write the paths of a pipeline's artifacts and runs as they are now; the caller holds its lock.

    TFX reads them from the store by itself.

    Args:
        mlmd: ML Metadata.
        pipeline_id: Id of the pipeline's context.
        relocation: Says where they are.

    Returns:
        How many changed.
    """
    artifacts = [one for one in mlmd.get_artifacts_by_context(pipeline_id) if relocation.artifact(one)]
    runs = [one for one in mlmd.get_children_contexts_by_context(pipeline_id) if relocation.context(one)]
    if artifacts:
        mlmd.put_artifacts(artifacts)
    if runs:
        mlmd.put_contexts(runs)
    return len(artifacts) + len(runs)
