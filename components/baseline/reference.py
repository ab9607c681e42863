"""The reference: the model that serves, or served last, of this pipeline under this root.

A new model is compared with it, may begin from its weights, and replaces it. What serves is what the serving folder
says: the newest version that this pipeline pushed. So a version that was taken back, a model that was never pushed, a
version of another tool and a model of another root never count.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from serving import ownership, versions

ANYWAY = "To push it anyway"


@dataclass(frozen=True)
class Judged:
    """What the pusher knows of a blessed model.

    Attributes:
        digest: Of its files.
        compared_with: Digest of the files of the model that it was compared with; empty where it was with none.
        not_compared: Why it was not; empty where it was.
        span: Of the data; 0 where the data has none.
        declines: Metric -> share by which it is below the best before it.
    """

    digest: str
    compared_with: str = ""
    not_compared: str = ""
    span: int = 0
    declines: Mapping[str, float] = field(default_factory=dict)

    @property
    def kept(self) -> dict[str, Any]:
        """What the version's record keeps of it."""
        return {**({"span": self.span} if self.span else {}), **({"declines": self.declines} if self.declines else {})}


def served(folder: str) -> versions.Version | None:
    """The newest version in a serving folder that this pipeline pushed; None where there is none."""
    told = (versions.told(folder, number) for number in reversed(versions.pushed(folder)))
    return next((version for version in told if version.ours), None)


def taken_back(folder: str) -> list[versions.Version]:
    """Versions that a rollback went over: those between a copy and the version that it brought back."""
    told = [versions.told(folder, number) for number in versions.pushed(folder)]
    gaps = [(version.copy_of, version.number) for version in told if version.ours and version.copy_of]
    return [
        version
        for version in told
        if not version.copy_of and any(origin < version.number < copy for origin, copy in gaps)
    ]


def withheld(folder: str, judged: Judged, *, uncompared: bool = False, older_span: bool = False) -> str | None:
    """Say why a blessed model must not replace what serves now.

    Args:
        folder: The serving folder.
        judged: The model.
        uncompared: `push.uncompared`.
        older_span: `push.older_span`.

    Returns:
        The reason, with the key that allows it; None where it may be pushed.
    """
    now = served(folder)
    if now is None or now.digest == judged.digest:
        return None
    if now.span and judged.span and judged.span < now.span and not older_span:
        return (
            f"its data is of span {judged.span}, and version {now.number}, which serves, was made from span "
            f"{now.span}. {ANYWAY}: push.older_span = true"
        )
    if judged.compared_with != now.digest and not uncompared:
        why = judged.not_compared or "it was compared with another model"
        return f"it was not compared with version {now.number}, which serves: {why}. {ANYWAY}: push.uncompared = true"
    return None


def of_record(models: Iterable[Any], record: str | None, folder: str) -> Any:
    """The model that a version's record names.

    Args:
        models: Artifacts.
        record: Path of the model's artifact relative to the pipeline's folder, or its URI.
        folder: The serving folder.

    Returns:
        The artifact; None where there is none.
    """
    named = [model for model in models if record and ownership.relative(model.uri, folder) == record]
    return max(named, key=lambda model: int(model.id), default=None)


def last_pushed(pushes: Iterable[Any], folder: str) -> Any:
    """The artifact of the newest push to a serving folder that is empty now; None where there was none."""
    ours = [
        push
        for push in pushes
        if push.get_int_custom_property("pushed")
        and os.path.dirname(push.get_string_custom_property("pushed_destination")) == folder
    ]
    return max(ours, key=lambda push: int(push.id), default=None)


def outcome(folder: str, destination: str) -> dict[str, str | int | None]:
    """Where a run pushed its model, if that still serves, and the version that serves.

    Args:
        folder: The serving folder.
        destination: Where the model was pushed, in this run or in that whose push came from the cache.
    """
    there = versions.pushed(folder)
    is_newest = bool(there) and destination == os.path.join(folder, str(there[-1]))
    return {"pushed": destination if is_newest else None, "serves": there[-1] if there else None}


def not_serving(destination: str) -> str | None:
    """Whether a push of an earlier run no longer decides what serves, so that the same model has to be pushed again.

    Args:
        destination: Where it was pushed to; empty where nothing was pushed.

    Returns:
        What is wrong, in a few words; None where that version serves, or one that was brought back since by hand.
    """
    if not destination or "://" in destination:
        return None
    folder, number = os.path.split(destination)
    there = versions.pushed(folder)
    if not there:
        return "no longer served"
    newest = versions.told(folder, there[-1])
    return None if newest.number == int(number) or newest.copy_of else f"no longer served: version {there[-1]} is newer"
