"""Facts of run.json that are known only when a job is compiled."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestration.records import code_revision, run_record
from pipeline.config import Config
from pipeline.schema_columns import unused

if TYPE_CHECKING:
    from orchestration.cloud.compiler import Request


def of(request: "Request", config: Config, columns: Mapping[str, str], data: Any) -> dict[str, Any]:
    """Return the facts, without a path of this machine.

    Args:
        request: The compilation.
        config: The config.
        columns: Column name -> type of the approved schema.
        data: Paths of the data, as the stages read them.
    """
    return {
        "pipeline": request.name.run,
        "config": run_record.without_secrets(config.plain()),
        "seed": config.training.seed,
        "data": data,
        "target": request.target,
        "image": request.image,
        "beam_args": list(request.beam_args),
        "unused": unused(config, columns).plain(),
        "git": [{**revision, "folder": "the image"} for revision in code_revision.revisions()],
    }
