"""The network and how it learnt: layers, curves with the best epoch and the stop, the rate, gradients."""

from collections.abc import Mapping, Sequence
from typing import Any

from inspection.report.markup import Html, facts, figure, joined, table, tag
from inspection.report.report_facts import Facts
from inspection.report.svg import Point, lines

_OWN = ("epoch", "seconds", "rate", "gradients")
_MOST_EPOCHS = 60
"""Rows of a table of epochs; of more every n-th is shown."""


def network(known: Facts) -> Html | None:
    """Shows the network's layers and sizes."""
    told, config = known.network, known.config.get("network")
    settings = config if isinstance(config, Mapping) else {}
    kept = [(str(key), _said(value)) for key, value in settings.items() if value not in (None, [], False, 0.0, {})]
    if not told and not kept:
        return None
    parts: list[Html | None] = [facts(kept)]
    layers = [each for each in told.get("layers", []) if isinstance(each, Mapping)]
    # What goes in stands among the features.
    layers = [each for each in layers if each.get("kind") != "InputLayer"]
    if layers:
        rows = [
            [each.get("name"), each.get("kind"), _said(each.get("shape")), each.get("parameters")] for each in layers
        ]
        total = told.get("parameters")
        trained = told.get("trainable")
        parts.append(tag("p", f"{total:,} parameters, {trained:,} of them are trained." if total is not None else ""))
        parts.append(table(["layer", "kind", "shape of what it gives", "parameters"], rows, caption="Layers"))
    return joined(parts)


def section(known: Facts) -> Html | None:
    """Shows the curves of training and evaluation by epoch."""
    if not known.history:
        return None
    best = _best(known)
    last = int(known.history[-1].get("epoch", 0))
    asked = (
        (known.config.get("training") or {}).get("epochs")
        if isinstance(known.config.get("training"), Mapping)
        else None
    )
    stopped = isinstance(asked, int) and last < asked
    marks: list[tuple[float, str]] = [(float(best), f"best: {best}")] if best else []
    if stopped:
        marks.append((float(last), f"stopped early: {last}"))
    names = dict.fromkeys(key.removeprefix("val_") for line in known.history for key in line if key not in _OWN)
    names = dict.fromkeys([*(["loss"] if "loss" in names else []), *names])
    drawn = [name for name in names if not (name == "mse" and _same(known.history, "mse", "loss"))]
    said = (
        f"{last} epochs"
        + (f" of {asked} that were allowed" if stopped else "")
        + (f"; epoch {best} was kept." if best else ".")
    )
    parts: list[Html] = [tag("p", said)]
    parts += [tag("p", note, class_="note") for note in known.outcome.get("notes", []) if isinstance(note, str)]
    pictures = [_curves(known.history, name, marks if place == 0 else marks[:1]) for place, name in enumerate(drawn)]
    pictures += (
        [_single(known.history, "rate", "learning rate")]
        if len({line.get("rate") for line in known.history}) > 1
        else []
    )
    return joined([*parts, tag("div", *pictures, class_="pictures"), _gradients(known.history)])


def _best(known: Facts) -> int | None:
    told = known.outcome.get("best")
    if isinstance(told, Mapping) and isinstance(told.get("epoch"), int):
        return int(told["epoch"]) or None
    scored = [
        (line["val_loss"], int(line["epoch"])) for line in known.history if "val_loss" in line and "epoch" in line
    ]
    return min(scored)[1] if scored else None


def _points(history: Sequence[Mapping[str, Any]], key: str) -> list[Point]:
    return [(float(line["epoch"]), float(line[key])) for line in history if key in line and "epoch" in line]


def _same(history: Sequence[Mapping[str, Any]], one: str, other: str) -> bool:
    return all(line.get(one) == line.get(other) for line in history)


def _curves(history: Sequence[Mapping[str, Any]], name: str, marks: Sequence[tuple[float, str]]) -> Html:
    both = [("train", _points(history, name)), ("eval", _points(history, f"val_{name}"))]
    series = [each for each in both if each[1]]
    keys = [key for key in (name, f"val_{name}") if any(key in line for line in history)]
    step = -(-len(history) // _MOST_EPOCHS)
    rows = [[line.get("epoch"), *(line.get(key) for key in keys)] for line in history[::step]]
    below = table(["epoch", *(label for label, _ in series)], rows, caption=f"{name} by epoch")
    picture = lines(series, label=f"{name} by epoch, train and eval", across="epoch", up=name, marks=marks)
    return figure(picture, f"{name} by epoch", below)


def _single(history: Sequence[Mapping[str, Any]], key: str, name: str) -> Html:
    found = _points(history, key)
    picture = lines([(name, found)], label=f"{name} by epoch", across="epoch", up="")
    step = -(-len(found) // _MOST_EPOCHS)
    return figure(picture, f"{name} by epoch", table(["epoch", name], found[::step], caption=name))


def _gradients(history: Sequence[Mapping[str, Any]]) -> Html | None:
    """Shows the norm of each layer's gradient after the first epoch and after the last one."""
    ends = [line["gradients"] for line in (history[0], history[-1]) if isinstance(line.get("gradients"), Mapping)]
    if len(ends) < 2 or not ends[0]:
        return None
    rows = [[layer, ends[0][layer], ends[1].get(layer)] for layer in ends[0]]
    inner = table(["layer", "first epoch", "last epoch"], rows, caption="Norm of each layer's gradient")
    return tag("details", tag("summary", "Gradients by layer"), inner)


def _said(value: Any) -> str:
    if isinstance(value, list):
        return (
            " x ".join(map(_said, value))
            if all(isinstance(each, int | None) for each in value)
            else ", ".join(map(_said, value))
        )
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_said(inner)}" for key, inner in value.items())
    return "any" if value is None else str(value)
