"""Plot of the trials as SVG: the objective by trial, and by the values of each key."""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from components.tuner.trial_tables import value_text
from components.tuner.trials import Trial
from spec.tuning import Dimension, Tuning

WIDTH, HEIGHT = 360, 240
"""Size of a panel, in pixels."""
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 30, 40
"""Margins of a panel, in pixels."""
TICKS = 4
PLAIN, BEST, OWN, LOST = "#4878a8", "#d04a35", "#2f9e6e", "#999999"

Place = Callable[[float], float]


def draw(trials: Sequence[Trial], best: Trial, settings: Tuning) -> str:
    """Draw one panel for the trials in order, and one for each key of the space.

    Args:
        trials: All trials, at least one with a score.
        best: The best of them.
        settings: The section [tuner].

    Returns:
        A self-contained SVG document.
    """
    name = f"eval {settings.objective}"
    panels = [_by_trial(trials, best, settings, name)]
    panels += [_by_key(trials, best, key, dimension, name) for key, dimension in settings.space.items()]
    columns = min(3, len(panels))
    height = HEIGHT * -(-len(panels) // columns)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH * columns}" height="{height}" '
        f'viewBox="0 0 {WIDTH * columns} {height}" font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for index, panel in enumerate(panels):
        x, y = WIDTH * (index % columns), HEIGHT * (index // columns)
        parts.append(f'<g transform="translate({x} {y})">{panel}</g>')
    return "\n".join([*parts, "</svg>\n"])


def _by_trial(trials: Sequence[Trial], best: Trial, settings: Tuning, name: str) -> str:
    """Draw the objective by trial number, with a line for the best score so far."""
    y, axis = _scores(trials, name)
    last_trial = max(trial.number for trial in trials)
    x = _linear(-0.5, last_trial + 0.5, LEFT, WIDTH - RIGHT)
    numbers = sorted({round(last_trial * step / TICKS) for step in range(TICKS + 1)})
    parts = [_frame("objective by trial", "trial"), axis, _x_ticks([(x(number), str(number)) for number in numbers])]
    pick, line, so_far = (min if settings.direction == "min" else max), [], None
    for trial in trials:
        if trial.score is not None:
            so_far = trial.score if so_far is None else pick(so_far, trial.score)
        if so_far is not None:
            line.append(f"{x(trial.number):.1f},{y(so_far):.1f}")
    parts.append(f'<polyline points="{" ".join(line)}" fill="none" stroke="{BEST}" stroke-opacity="0.4"/>')
    parts += [_mark(trial, best, x(trial.number), y) for trial in trials]
    return "".join(parts)


def _by_key(trials: Sequence[Trial], best: Trial, key: str, dimension: Dimension, name: str) -> str:
    """Draw the objective by the values of one key."""
    y, axis = _scores(trials, name)
    x_position, ticks = _values([trial.values[key] for trial in trials], dimension)
    marks = [_mark(trial, best, x_position(trial.values[key]), y) for trial in trials]
    return "".join([_frame(key, key.rpartition(".")[2]), axis, _x_ticks(ticks), *marks])


def _values(values: Sequence[Any], dimension: Dimension) -> tuple[Callable[[Any], float], list[tuple[float, str]]]:
    """Return the x position of each value, and the ticks: choices side by side, numbers to scale."""
    if dimension.choices is not None or not all(_number(value) for value in values):
        names = list(dict.fromkeys([*map(value_text, dimension.listed or ()), *map(value_text, values)]))
        x = _linear(-0.5, len(names) - 0.5, LEFT, WIDTH - RIGHT)
        return lambda value: x(names.index(value_text(value))), [
            (x(position), text) for position, text in enumerate(names)
        ]
    assert dimension.low is not None
    assert dimension.high is not None
    low, high = min(dimension.low, *values), max(dimension.high, *values)
    logarithmic = dimension.scale == "log" and low > 0
    scaled: Place = math.log if logarithmic else float
    x = _linear(scaled(low), scaled(high), LEFT + 8, WIDTH - RIGHT - 8)
    steps = [step / TICKS for step in range(TICKS + 1)]
    numbers = [low * (high / low) ** step if logarithmic else low + (high - low) * step for step in steps]
    if logarithmic:
        powers = [10.0**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
        numbers = powers if 2 <= len(powers) <= TICKS + 2 else numbers
    return lambda value: x(scaled(value)), [(x(scaled(number)), f"{number:.3g}") for number in numbers]


def _scores(trials: Sequence[Trial], name: str) -> tuple[Place, str]:
    """Return the y position of a score, and the axis as SVG; outliers are clipped to the edge."""
    scores = sorted(trial.score for trial in trials if trial.score is not None)
    # The range follows the middle half of the scores, so that a diverged trial does not flatten the others.
    middle = scores[len(scores) // 4 : -(-3 * len(scores) // 4)] or scores
    spread = (middle[-1] - middle[0]) or abs(middle[0]) or 1.0
    low = max(scores[0], middle[0] - 3 * spread)
    high = min(scores[-1], middle[-1] + 3 * spread)
    if low == high:
        low, high = low - spread / 2, high + spread / 2
    along = _linear(low, high, HEIGHT - BOTTOM - 8, TOP + 8)
    ticks = []
    for step in range(TICKS + 1):
        value = low + (high - low) * step / TICKS
        ticks.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{along(value):.1f}" y2="{along(value):.1f}" stroke="#eeeeee"/>'
            f'<text x="{LEFT - 5}" y="{along(value) + 4:.1f}" text-anchor="end">{value:.4g}</text>'
        )
    middle_of_axis = (TOP + HEIGHT - BOTTOM) / 2
    title = f'<text transform="translate(12 {middle_of_axis}) rotate(-90)" text-anchor="middle">{escape(name)}</text>'
    return lambda value: along(min(max(value, low), high)), "".join(ticks) + title


def _mark(trial: Trial, best: Trial, x: float, y: Place) -> str:
    """Draw one trial as a circle, or as a cross at the top if it failed, with its values as a tooltip."""
    tip = f"trial {trial.number}: {_figures(trial.values)}"
    if trial.score is None:
        arms = "".join(f'<path d="M-3 {3 * way} L3 {-3 * way}" stroke="{LOST}"/>' for way in (1, -1))
        return f'<g transform="translate({x:.1f} {TOP + 6})">{arms}<title>{escape(tip)}, failed</title></g>'
    colour = BEST if trial is best else OWN if trial.number == 0 else PLAIN
    radius = 5 if trial is best or trial.number == 0 else 3.5
    return (
        f'<circle cx="{x:.1f}" cy="{y(trial.score):.1f}" r="{radius}" fill="{colour}" fill-opacity="0.8">'
        f"<title>{escape(tip)}, {trial.score:.5g}</title></circle>"
    )


def _frame(title: str, below: str) -> str:
    legend = "".join(
        f'<tspan fill="{colour}" dx="6">● {text}</tspan>' for colour, text in ((BEST, "best"), (OWN, "config"))
    )
    return (
        f'<text x="{LEFT}" y="18" font-weight="bold">{escape(title)}</text>'
        f'<text x="{WIDTH - RIGHT}" y="18" text-anchor="end">{legend}</text>'
        f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}" fill="none" '
        f'stroke="#cccccc"/><text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
        f"{escape(below)}</text>"
    )


def _x_ticks(ticks: Sequence[tuple[float, str]]) -> str:
    # Labels are shortened to fit side by side; tooltips show the full values.
    room = max(3, int((WIDTH - LEFT - RIGHT) / max(1, len(ticks)) / 6))
    return "".join(
        f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{escape(_short(text, room))}</text>'
        for x, text in ticks
    )


def _short(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def _figures(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value_text(value)}" for key, value in values.items())


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _linear(low: float, high: float, start: float, end: float) -> Place:
    return lambda value: start + (end - start) * ((value - low) / (high - low) if high > low else 0.5)
