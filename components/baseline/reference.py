"""The reference: the model that serves, or served last, of this pipeline under this root.

A candidate is compared with it, may start from its weights, and replaces it. The serving folder decides: the reference
is its newest version that this pipeline pushed. So a version that was rolled back, a model that was never pushed, a
version of another tool and a model of another root are never the reference.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from serving import ownership, versions
from spec.rows.span_names import shown

OVERRIDE = "To push it anyway"


@dataclass(frozen=True)
class Candidate:
    """A blessed model that is about to be pushed.

    Attributes:
        digest: Digest of its files.
        compared_with: Digest of the files of the baseline; empty if it was not compared.
        not_compared: Why it was not compared; empty if it was.
        span: Span of its data; 0 if the data has no spans.
        declines: Metric -> relative decline from the best previous model.
        examples: Place of its Examples artifact; see `lineage.place`.
    """

    digest: str
    compared_with: str = ""
    not_compared: str = ""
    span: int = 0
    declines: Mapping[str, float] = field(default_factory=dict)
    examples: str = ""

    @property
    def extra(self) -> dict[str, Any]:
        """Keys that it adds to the record of its version."""
        keys = {
            "span": self.span,
            "examples": self.examples,
            "declines": self.declines,
            "compared_with": self.compared_with,
        }
        return {key: value for key, value in keys.items() if value}


def served(folder: str) -> versions.Version | None:
    """Find the newest version in a serving folder that this pipeline pushed; None if there is none."""
    newest_first = (versions.read(folder, number) for number in reversed(versions.pushed(folder)))
    return next((version for version in newest_first if version.ours), None)


def to_compare(folder: str, candidate: str) -> versions.Version | None:
    """Find the version that a candidate is compared with: the serving one.

    If the candidate itself serves, as in a run without changes, it is the version that the candidate was compared with
    before it was pushed.

    Args:
        folder: The serving folder.
        candidate: Digest of the candidate's files; empty if there is none.

    Returns:
        The version; None if there is none, or it no longer exists.
    """
    serving = served(folder)
    if serving is None or not candidate or serving.digest != candidate:
        return serving
    compared = serving.extra.get("compared_with")
    newest_first = (versions.read(folder, number) for number in reversed(versions.pushed(folder)))
    return next((version for version in newest_first if compared and version.digest == compared), None)


def rolled_back(folder: str) -> list[versions.Version]:
    """List the versions that a rollback skipped: those between a copy and the version that it restored."""
    all_versions = [versions.read(folder, number) for number in versions.pushed(folder)]
    gaps = [(version.copy_of, version.number) for version in all_versions if version.ours and version.copy_of]
    return [
        version
        for version in all_versions
        if not version.copy_of and any(origin < version.number < copy for origin, copy in gaps)
    ]


def withhold_reason(
    folder: str, candidate: Candidate, *, uncompared: bool = False, older_span: bool = False, spans: str = ""
) -> str | None:
    """Return why a blessed model must not replace the serving version.

    Args:
        folder: The serving folder.
        candidate: The model.
        uncompared: `push.uncompared`.
        older_span: `push.older_span`.
        spans: What spans count; see `span_names.shown`.

    Returns:
        The reason, with the config key that allows the push; None if the model may be pushed.
    """
    serving = served(folder)
    if serving is None or serving.digest == candidate.digest:
        return None
    if not older_span and (reason := older_span_reason(serving, candidate.span, spans)):
        return reason
    if candidate.compared_with != serving.digest and not uncompared:
        reason = candidate.not_compared.removeprefix("not compared: ") or "it was compared with another model"
        return (
            f"it was not compared with the serving version {serving.number}: {reason}. "
            f"{OVERRIDE}: push.uncompared = true"
        )
    return None


def older_span_reason(serving: versions.Version, span: int, unit: str) -> str | None:
    """Return why a model of data of a span must not replace the serving version; None if the span is not older.

    Args:
        serving: The serving version.
        span: The span; 0 if the data has no spans.
        unit: What spans count; see `span_names.shown`.
    """
    if not 0 < span < serving.span:
        return None
    return (
        f"its data is of span {shown(span, unit)}, but the serving version {serving.number} was trained on span "
        f"{shown(serving.span, unit)}. {OVERRIDE}: push.older_span = true"
    )


def find_model(models: Iterable[Any], record: str | None, folder: str) -> Any:
    """Find the model that a version's record names.

    Args:
        models: Artifacts.
        record: Path of the model's artifact relative to the pipeline's folder, or its URI.
        folder: The serving folder.

    Returns:
        The artifact; None if there is none.
    """
    matches = [model for model in models if record and ownership.relative(model.uri, folder) == record]
    return max(matches, key=lambda model: int(model.id), default=None)


def last_pushed(pushes: Iterable[Any], folder: str) -> Any:
    """Find the artifact of the newest push to a serving folder, which is now empty; None if there was none."""
    successful_pushes = [
        push
        for push in pushes
        if push.get_int_custom_property("pushed")
        and os.path.dirname(push.get_string_custom_property("pushed_destination")) == folder
    ]
    return max(successful_pushes, key=lambda push: int(push.id), default=None)


def outcome(folder: str, destination: str) -> dict[str, str | int | None]:
    """Return where a run pushed its model, if that version serves, and the serving version.

    Args:
        folder: The serving folder.
        destination: Path of the pushed version, of this run or of the run whose push was cached.
    """
    numbers = versions.pushed(folder)
    is_newest = bool(numbers) and destination == os.path.join(folder, str(numbers[-1]))
    return {"pushed": destination if is_newest else None, "serves": numbers[-1] if numbers else None}


def not_serving(destination: str) -> str | None:
    """Return why the push of a previous run must be repeated: another version serves now.

    Args:
        destination: Path of the pushed version; empty if nothing was pushed.

    Returns:
        The reason; None if that version serves, or one that was restored by a rollback.
    """
    if not destination or "://" in destination:
        return None
    folder, number = os.path.split(destination)
    numbers = versions.pushed(folder)
    if not numbers:
        return "no longer served"
    newest = versions.read(folder, numbers[-1])
    if newest.number == int(number) or newest.copy_of:
        return None
    return f"no longer served: version {numbers[-1]} is newer"
