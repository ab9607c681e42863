"""Network and training: layers, learning curves with the best epoch and early stopping, learning rate, gradients."""

from collections.abc import Mapping, Sequence
from typing import Any

from inspection.report.markup import Html, definitions, figure, joined, table, tag
from inspection.report.report_facts import Facts
from inspection.report.svg import Point, lines

_NOT_METRICS = ("epoch", "seconds", "rate", "gradients")
_MAX_EPOCHS = 60
"""Maximum number of rows of a table of epochs; with more epochs, every n-th is shown."""


def network(facts: Facts) -> Html | None:
    """Return layers and sizes of the network."""
    summary, network_config = facts.network, facts.run.used.get("network")
    settings = network_config if isinstance(network_config, Mapping) else {}
    configured = facts.run.config.get("network")
    configured = configured if isinstance(configured, Mapping) else {}
    entries = [
        (str(key), _format(value) + ("" if configured.get(key) == value else " (from the tuner)"))
        for key, value in settings.items()
        if value not in (None, [], False, 0.0, {})
    ]
    if not summary and not entries:
        return None
    parts: list[Html | None] = [definitions(entries)]
    layers = [layer for layer in summary.get("layers", []) if isinstance(layer, Mapping)]
    # Inputs are in the section of features.
    layers = [layer for layer in layers if layer.get("kind") != "InputLayer"]
    if layers:
        rows = [
            [layer.get("name"), layer.get("kind"), _format(layer.get("shape")), layer.get("parameters")]
            for layer in layers
        ]
        total = summary.get("parameters")
        trainable = summary.get("trainable")
        parts.append(tag("p", f"{total:,} parameters, {trainable:,} of them trainable." if total is not None else ""))
        parts.append(table(["layer", "type", "output shape", "parameters"], rows, caption="Layers"))
    return joined(parts)


def section(facts: Facts) -> Html | None:
    """Return the learning curves, by epoch."""
    if not facts.history:
        return None
    best = _best(facts)
    last_epoch = int(facts.history[-1].get("epoch", 0))
    max_epochs = (
        (facts.run.used.get("training") or {}).get("epochs")
        if isinstance(facts.run.used.get("training"), Mapping)
        else None
    )
    stopped = isinstance(max_epochs, int) and last_epoch < max_epochs
    marks: list[tuple[float, str]] = [(float(best), f"best: {best}")] if best else []
    if stopped:
        marks.append((float(last_epoch), f"stopped early: {last_epoch}"))
    names = dict.fromkeys(key.removeprefix("val_") for line in facts.history for key in line if key not in _NOT_METRICS)
    names = dict.fromkeys([*(["loss"] if "loss" in names else []), *names])
    metrics = [name for name in names if not (name == "mse" and _are_equal(facts.history, "mse", "loss"))]
    text = (
        f"{last_epoch} epochs"
        + (f" of at most {max_epochs}" if stopped else "")
        + (f"; best epoch: {best}." if best else ".")
    )
    parts: list[Html] = [tag("p", text)]
    parts += [tag("p", note, class_="note") for note in facts.outcome.get("notes", []) if isinstance(note, str)]
    charts = [
        _train_eval_curves(facts.history, name, marks if index == 0 else marks[:1])
        for index, name in enumerate(metrics)
    ]
    charts += (
        [_curve(facts.history, "rate", "learning rate")]
        if len({line.get("rate") for line in facts.history}) > 1
        else []
    )
    return joined([*parts, tag("div", *charts, class_="charts"), _gradients(facts.history)])


def _best(facts: Facts) -> int | None:
    recorded = facts.outcome.get("best")
    if isinstance(recorded, Mapping) and isinstance(recorded.get("epoch"), int):
        return int(recorded["epoch"]) or None
    scored = [
        (line["val_loss"], int(line["epoch"])) for line in facts.history if "val_loss" in line and "epoch" in line
    ]
    return min(scored)[1] if scored else None


def _points(history: Sequence[Mapping[str, Any]], key: str) -> list[Point]:
    return [(float(line["epoch"]), float(line[key])) for line in history if key in line and "epoch" in line]


def _are_equal(history: Sequence[Mapping[str, Any]], key_a: str, key_b: str) -> bool:
    return all(line.get(key_a) == line.get(key_b) for line in history)


def _train_eval_curves(history: Sequence[Mapping[str, Any]], name: str, marks: Sequence[tuple[float, str]]) -> Html:
    splits = [("train", _points(history, name)), ("eval", _points(history, f"val_{name}"))]
    series = [(split, points) for split, points in splits if points]
    keys = [key for key in (name, f"val_{name}") if any(key in line for line in history)]
    step = -(-len(history) // _MAX_EPOCHS)
    rows = [[line.get("epoch"), *(line.get(key) for key in keys)] for line in history[::step]]
    data = table(["epoch", *(label for label, _ in series)], rows, caption=f"{name} by epoch")
    chart = lines(series, label=f"{name} by epoch, train and eval", x_label="epoch", y_label=name, marks=marks)
    return figure(chart, f"{name} by epoch", data)


def _curve(history: Sequence[Mapping[str, Any]], key: str, name: str) -> Html:
    points = _points(history, key)
    chart = lines([(name, points)], label=f"{name} by epoch", x_label="epoch", y_label="")
    step = -(-len(points) // _MAX_EPOCHS)
    return figure(chart, f"{name} by epoch", table(["epoch", name], points[::step], caption=name))


def _gradients(history: Sequence[Mapping[str, Any]]) -> Html | None:
    """Return the gradient norm of each layer after the first and the last epoch."""
    norms = [line["gradients"] for line in (history[0], history[-1]) if isinstance(line.get("gradients"), Mapping)]
    if len(norms) < 2 or not norms[0]:
        return None
    rows = [[layer, norms[0][layer], norms[1].get(layer)] for layer in norms[0]]
    data = table(["layer", "first epoch", "last epoch"], rows, caption="Gradient norm by layer")
    return tag("details", tag("summary", "Gradients by layer"), data)


def _format(value: Any) -> str:
    if isinstance(value, list):
        return (
            " x ".join(map(_format, value))
            if all(isinstance(part, int | None) for part in value)
            else ", ".join(map(_format, value))
        )
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_format(inner)}" for key, inner in value.items())
    return "any" if value is None else str(value)
