"""Plots over the nights that an asset's page in Dagster shows without a click.

The page shows Markdown below 1000 characters directly, and hides longer text behind a link. So a plot is an SVG inside
the Markdown, with as many nights and lines as fit; further lines get another plot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import dagster as dg

from recsys_lineage.records.records import Records

NDCG = "ndcg@20 "
"""Prefix of the statistics of `evaluation` and `gate` that hold NDCG@20; the family's name follows."""
LONGEST_SHOWN = 999
"""Largest number of characters of Markdown that Dagster's page of an asset shows without a click."""
MOST_NIGHTS, ENOUGH_NIGHTS = 30, 15
_COLOURS = ("red", "#07f", "#0a0", "#f80", "#a0f", "#0aa", "#a60", "#f0a")
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 220, 8, 92

Night = tuple[datetime, Mapping[str, float]]
"""Time of a night, and the values of the lines that have one."""


def families_over_nights(asset: str) -> Callable[[Records], Mapping[str, Any]]:
    """Plot on the page of `asset`: each family's NDCG@20 over the nights."""
    return lambda records: _shown(records, asset, lambda name: name.removeprefix(NDCG), NDCG)


def validation_over_nights(asset: str) -> Callable[[Records], Mapping[str, Any]]:
    """Plot on the page of a candidate: its NDCG@20 on validation over the nights."""
    return lambda records: _shown(records, asset, lambda name: "validation", "validation ndcg@20")


def _shown(records: Records, asset: str, line: Callable[[str], str], prefix: str) -> dict[str, Any]:
    nights = [
        (
            record.ended,
            {
                line(name): float(value)
                for name, value in record.statistics.items()
                if name.startswith(prefix)
            },
        )
        for record in records.history(asset, MOST_NIGHTS)
    ]
    names = ["NDCG@20 over the nights", *(f"NDCG@20 over the nights, part {n}" for n in range(2, 100))]
    return {name: dg.MetadataValue.md(text) for name, text in zip(names, nights_plots(nights), strict=False)}


def nights_plots(nights: Sequence[Night], longest: int = LONGEST_SHOWN, *, of: str = "runs") -> list[str]:
    """Plots with one line for each name over the nights, each as Markdown of at most `longest` characters.

    All have the same nights and the same scale; lines that end highest come first. There are as few pictures as can
    show at least `ENOUGH_NIGHTS`; the oldest nights are left out where not all fit. `of` says what a night is.
    """
    nights = [night for night in nights if night[1]][-MOST_NIGHTS:]
    last: dict[str, float] = {}
    for _, values in nights:
        last |= values
    names = sorted(last, key=lambda name: (name not in nights[-1][1], -last[name], name))
    for lines in range(len(names), 0, -1):
        for count in range(len(nights), min(len(nights), ENOUGH_NIGHTS if lines > 1 else 1) - 1, -1):
            chosen = nights[-count:]
            texts = [_markdown(chosen, names[n : n + lines], names, of) for n in range(0, len(names), lines)]
            if all(len(text) <= longest for text in texts):
                return texts
    return []


def _markdown(nights: Sequence[Night], names: Sequence[str], of_scale: Sequence[str], of: str) -> str:
    """The picture of some lines, on the scale of all."""
    values = [values[name] for _, values in nights for name in of_scale if name in values]
    low, high = min(values), max(values)
    parts = [f"<text y='{_TOP + 3}' fill='gray'>{high:.4f}</text>"]
    if high > low:
        parts.append(f"<text y='{_BOTTOM + 3}' fill='gray'>{low:.4f}</text>")
    for place, name in enumerate(names):
        colour = _COLOURS[place % len(_COLOURS)]
        if path := _path([values.get(name) for _, values in nights], low, high):
            parts.append(f"<path d='{path}' stroke='{colour}'/>")
        shown = next((values[name] for _, values in reversed(nights) if name in values), None)
        label = name if shown is None else f"{name} {shown:.4f}"
        parts.append(f"<text x='230' y='{_TOP + 3 + 11 * place}' fill='{colour}'>{_written(label)}</text>")
    height = max(100, 11 * len(names) + _TOP)
    picture = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 340 {height}' width='360' font-size='9' fill='none' "
        f"stroke-linecap='round'>{''.join(parts)}</svg>"
    )
    for character, code in (("%", "%25"), ("<", "%3C"), (">", "%3E"), ("#", "%23")):
        picture = picture.replace(character, code)
    first, end = nights[0][0], nights[-1][0]
    caption = f"{len(nights)} {of}, {first:%d %b %Y} to {end:%d %b %Y}"
    return f"![plot](<data:image/svg+xml,{picture}>)\n\n{caption}"


def _path(values: Sequence[float | None], low: float, high: float) -> str:
    """The line through the values, night by night, broken where there is none, in steps relative to each other."""
    width = (_RIGHT - _LEFT) // max(1, len(values) - 1)
    steps: list[str] = []
    x, y, follows = 0, 0, False
    for place, value in enumerate(values):
        if value is None:
            follows = False
            continue
        share = (value - low) / (high - low) if high > low else 0.5
        to_x, to_y = _LEFT + place * width, round(_BOTTOM - share * (_BOTTOM - _TOP))
        steps.append(f" {to_x - x}{to_y - y: d}" if follows else f"m{to_x - x}{to_y - y: d}h0")
        if not follows:
            steps.append("l")
        x, y, follows = to_x, to_y, True
    return "".join(steps).replace("l ", "l").replace("lm", "m").removesuffix("l")


def _written(text: str) -> str:
    """Text inside SVG, without the characters that have a meaning there or in Markdown."""
    return "".join(character for character in text if character not in "<>&'\"\n\\")
