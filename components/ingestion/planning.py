"""What is known before the first row is written: the files, the columns' types, and where time is cut."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from components.ingestion import files, sources, times
from components.ingestion.rows import Keeper
from components.ingestion.split import SPLITS
from errors import UserError


@dataclass(frozen=True)
class Plan:
    """What every shard needs to know.

    Attributes:
        files: The data's files; each makes a shard.
        columns: Type of every column of any file.
        split: [data.split], its `key` and `cut_eval` added, as `Splitter` takes it.
        cuts: Times with which splits begin.
        notes: What the summary should say.
    """

    files: list[files.DataFile]
    columns: dict[str, str]
    split: dict[str, Any]
    cuts: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def plan(config: Mapping[str, Any]) -> Plan:
    """Look at the data before it is divided.

    Args:
        config: The node's settings: `paths`, `data`, `columns`, `duties`, `label`, `complete`.

    Raises:
        UserError: a file is not there or cannot be read.
    """
    data, duties = config["data"], config["duties"]
    found = files.resolve(config["paths"], data)
    columns = sources.types([file.path for file in found], data, config["columns"])
    split = {
        **data["split"],
        "key": data["split"]["column"] or duties["group"] or duties["id"],
        "cut_eval": data["split"]["by"] == "files" and not any(file.split == "eval" for file in found),
    }
    cuts: list[float] = []
    notes = []
    if split["by"] == "time":
        cuts = times.cuts(_times(found, config, columns), {name: split[name] for name in SPLITS})
        notes.append(f"eval from {times.shown(cuts[0])}, test from {times.shown(cuts[1])}")
    if split["by"] == "all":
        notes.append("every row is in every split, so that nothing shows how the model does on rows it has not seen")
    return Plan(found, columns, split, cuts, notes)


def keeper(config: Mapping[str, Any]) -> Keeper:
    """Leaves rows out as the settings say."""
    return Keeper(exclude=config["data"]["exclude"], complete=config["complete"], label=config["label"])


def _times(found: Sequence[files.DataFile], config: Mapping[str, Any], columns: Mapping[str, str]) -> Iterator[Any]:
    """Times of the rows that stay, a batch at a time."""
    name = config["duties"]["time"]
    keep = keeper(config)
    for file in found:
        for batch in sources.batches(file.path, config["data"], columns):
            kept = keep.keep(batch)
            yield times.keys(column(kept, name, file.path), name, file.path)


def column(batch: pa.RecordBatch, name: str, path: str) -> pa.Array:
    """One column of a batch.

    Raises:
        UserError: it has none of that name.
    """
    at = batch.schema.get_field_index(name)
    if at < 0:
        raise UserError(f"{path}: column {name!r} is missing. There is: {', '.join(batch.schema.names)}")
    return batch.column(at)
