"""Plots over the nights: short enough to be seen without a click, and true to the values."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import unquote
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.nights_plot import ENOUGH_NIGHTS, LONGEST_SHOWN, MOST_NIGHTS, nights_plots
from recsys_models.families import families
from tests.examples import examples

VALUES = st.floats(0, 1)
NIGHTS = st.lists(st.dictionaries(st.sampled_from(sorted(families)), VALUES), max_size=MOST_NIGHTS + 5)


def pictures(nights: list[dict[str, float]]) -> tuple[list[str], list[ElementTree.Element]]:
    """The Markdown texts of the plots, and the pictures in them."""
    begin = datetime(2026, 11, 1)
    texts = nights_plots([(begin + timedelta(n), values) for n, values in enumerate(nights)])
    found = [re.match(r"!\[plot\]\(<data:image/svg\+xml,([^<>]+)>\)\n\n", text) for text in texts]
    return texts, [ElementTree.fromstring(unquote(match[1])) for match in found if match]


def labels(picture: ElementTree.Element) -> dict[str, str]:
    """The text in each colour."""
    return {text.attrib["fill"]: text.text or "" for text in picture if text.tag.endswith("text")}


def points(path: str) -> list[tuple[int, int]]:
    """The absolute places that a path goes through."""
    x = y = 0
    found = []
    for part in re.findall(r"[ml][^ml]+", path):
        numbers = [int(number) for number in re.findall(r"-?\d+", part.replace("h0", ""))]
        for step_x, step_y in zip(numbers[::2], numbers[1::2], strict=True):
            x, y = x + step_x, y + step_y
            found.append((x, y))
    return found


@settings(deadline=None, max_examples=examples(60))
@given(NIGHTS)
def test_every_family_has_a_line_and_every_picture_is_short(nights: list[dict[str, float]]) -> None:
    texts, drawn = pictures(nights)
    told = [label for picture in drawn for label in labels(picture).values()]
    assert len(drawn) == len(texts)
    assert all(len(text) <= LONGEST_SHOWN for text in texts)
    seen = {name for values in nights[-MOST_NIGHTS:] for name in values}
    assert {name for name in families if any(label.startswith(name) for label in told)} >= seen


@settings(deadline=None, max_examples=examples(60))
@given(st.lists(st.fixed_dictionaries({"ease": VALUES, "gcn": VALUES}), min_size=1, max_size=ENOUGH_NIGHTS))
def test_a_line_goes_up_where_the_value_does(nights: list[dict[str, float]]) -> None:
    _, (picture,) = pictures(nights)
    told = labels(picture)
    for path in picture:
        if path.tag.endswith("path"):
            name = told[path.attrib["stroke"]].split()[0]
            places = points(path.attrib["d"])
            assert len(places) == len(nights)
            for (x, y), (next_x, next_y), now, then in zip(
                places, places[1:], nights, nights[1:], strict=False
            ):
                assert next_x > x
                assert (next_y - y) * (then[name] - now[name]) <= 0
            assert f"{name} {nights[-1][name]:.4f}" in told.values()


def test_a_family_that_was_not_there_on_a_night_has_a_gap() -> None:
    nights = [{"ease": 0.1, "gcn": 0.2}, {"ease": 0.2}, {"ease": 0.1, "gcn": 0.1}]
    _, (picture,) = pictures(nights)
    lengths = sorted(len(points(part.attrib["d"])) for part in picture if part.tag.endswith("path"))
    assert lengths == [2, 3]
