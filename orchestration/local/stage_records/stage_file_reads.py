"""Files that user code opens in a stage, compared with the cache key of the stage and recorded with its outputs.

The cache key of a stage contains digests of its source and of the files that the source names. A file whose name is
computed at run time is noticed when it is opened; its digest is recorded with the outputs, which are not reused after
the file has changed.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from components.fingerprints import code_digest
from components.summary import text
from errors import ResourceError, UserError
from models import file_reads
from spec import settings

STAGES = ("transformation", "tuner", "trainer")
"""Stages that run user code, beside custom stages."""
PROPERTY = "reads"
"""Custom property of an artifact: path -> digest, packed."""


class StageReads:
    """Files that the stages of one run read.

    Args:
        folder: Folder for long lists.
        ignored: Folders whose files are ignored: the root and the folder of temporary files.
        import_reads: Path -> digest of files that were read while user code was imported.
        custom: Ids of custom stages.
        custom_reads: As `import_reads`, for modules of custom stages.
    """

    def __init__(
        self,
        folder: str,
        ignored: Iterable[str],
        import_reads: Mapping[str, str],
        custom: Iterable[str] = (),
        custom_reads: Mapping[str, str] | None = None,
    ) -> None:
        self._folder, self._ignored, self._import_reads = folder, tuple(ignored), dict(import_reads)
        self._custom, self._custom_reads = tuple(custom), dict(custom_reads or {})

    @contextlib.contextmanager
    def of(self, node_id: str, exec_properties: Mapping[str, Any]) -> Iterator[dict[str, str]]:
        """Collect the files that a stage reads.

        Args:
            node_id: The stage.
            exec_properties: Its parameters.

        Yields:
            Path -> digest of the files that are not in the cache key; complete when the context ends.

        Raises:
            UserError: code was edited before the stage loaded it.
            ResourceError: a file changed while it was read.
        """
        reads: dict[str, str] = {}
        if node_id not in (*STAGES, *self._custom):
            yield reads
            return
        planned = code_digest.files_of(exec_properties)
        sources = dict(code_digest.sources(*code_digest.of_parameters(exec_properties).get("modules", ())).values())
        try:
            with file_reads.watched(self._ignored) as opened:
                file_reads.add(self._import_reads)
                if node_id in self._custom:
                    file_reads.add(self._custom_reads)
                yield reads
        except file_reads.ChangedError as error:
            raise ResourceError(f"stage {node_id}: {error}: run again when no program writes to it") from error
        for path, content in opened.items():
            source = sources.get(path)
            if source is not None and code_digest.text(source) != content:
                raise UserError(f"{path} was edited during the run, before stage {node_id} loaded it: run again")
            if source is None and path not in planned:
                reads[path] = content
        # TensorFlow may have opened the other planned files without notice, at any time during the stage.
        digests = {path: opened[path] for path in planned if path in opened}
        changed = [path for path in planned if path in digests and digests[path] != planned[path]]
        changed += file_reads.changed({path: content for path, content in planned.items() if path not in digests})
        if changed:
            raise ResourceError(
                f"{changed[0]} changed after the start of the run, while stage {node_id} could read it: run again when "
                "no program writes to it"
            )

    def pack(self, reads: Mapping[str, str]) -> str:
        """Return the value of `PROPERTY`; empty if no file was read."""
        return json.dumps(settings.pack(reads, self._folder)) if reads else ""


def unpack(artifact: Any) -> dict[str, str]:
    """Return path -> digest of the files that an artifact depends on; an impossible path if the list is lost."""
    packed = text(artifact, PROPERTY)
    if not packed:
        return {}
    try:
        return settings.unpack(json.loads(packed))
    except (OSError, ValueError) as error:
        return {str(error): ""}


def of_outputs(outputs: Mapping[str, Iterable[Any]]) -> dict[str, str]:
    """Return path -> digest of the files that the outputs of a stage depend on."""
    reads: dict[str, str] = {}
    for artifacts in outputs.values():
        for artifact in artifacts:
            reads |= unpack(artifact)
    return reads
