"""Selections name what Dagster's pages would select; what they misspell is told."""

from __future__ import annotations

from functools import cache

import dagster as dg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.definitions import build_definitions
from recsys_assets.runs.selection import UnknownAsset, in_one_selection, selected_assets
from recsys_assets.settings import Settings
from tests.examples import examples


@cache
def definitions() -> dg.Definitions:
    return build_definitions(Settings())


@cache
def edges() -> dict[str, frozenset[str]]:
    """Each asset and those directly downstream of it."""
    graph = definitions().resolve_asset_graph()
    return {
        key.to_user_string(): frozenset(child.to_user_string() for child in graph.get(key).child_keys)
        for key in graph.get_all_asset_keys()
    }


@cache
def groups() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for spec in definitions().resolve_all_asset_specs():
        found.setdefault(spec.group_name or "", set()).add(spec.key.to_user_string())
    return {name: frozenset(names) for name, names in found.items()}


def reached(names: frozenset[str], steps: int | None, *, down: bool) -> frozenset[str]:
    """The assets and those at most so many steps away; all when None."""
    near = (
        edges()
        if down
        else {n: frozenset(up for up, below in edges().items() if n in below) for n in edges()}
    )
    found, front = set(names), set(names)
    while front and steps != 0:
        front = {each for name in front for each in near[name]} - found
        found |= front
        steps = None if steps is None else steps - 1
    return frozenset(found)


Selection = tuple[str, frozenset[str]]
# Assets are defined where a test runs: each process collects this file, one runs it.
NAMES = st.deferred(lambda: st.sampled_from(sorted(edges())))
NAMED = st.one_of(
    NAMES.map(lambda name: (name, frozenset([name]))),
    NAMES.map(lambda name: (f'"{name}"', frozenset([name]))),
    NAMES.map(lambda name: (f"key:{name}", frozenset([name]))),
    st.deferred(lambda: st.sampled_from(sorted(groups()))).map(
        lambda name: (f"group:{name}", groups()[name])
    ),
    st.sampled_from(["raw_", "candidate_", "user_"]).map(
        lambda start: (f"{start}*", frozenset(name for name in edges() if name.startswith(start)))
    ),
)
SIMPLE = st.one_of(NAMED, st.deferred(lambda: st.just(("*", frozenset(edges())))))
STEPS = st.one_of(st.none(), st.integers(1, 3))


def wider(inner: st.SearchStrategy[Selection]) -> st.SearchStrategy[Selection]:
    def text(steps: int | None) -> str:
        return "" if steps is None else str(steps)

    return st.one_of(
        st.tuples(NAMED, STEPS).map(lambda t: (f"{t[0][0]}+{text(t[1])}", reached(t[0][1], t[1], down=True))),
        st.tuples(NAMED, STEPS).map(
            lambda t: (f"{text(t[1])}+{t[0][0]}", reached(t[0][1], t[1], down=False))
        ),
        inner.map(lambda each: (f"(({each[0]})+)", reached(each[1], None, down=True))),
        st.tuples(inner, inner).map(lambda t: (f"({t[0][0]}) and ({t[1][0]})", t[0][1] & t[1][1])),
        st.tuples(inner, inner).map(lambda t: (f"({t[0][0]}) or ({t[1][0]})", t[0][1] | t[1][1])),
        inner.map(lambda each: (f"(not ({each[0]}))", frozenset(edges()) - each[1])),
    )


@settings(deadline=None, max_examples=examples(150))
@given(selection=st.recursive(SIMPLE, wider, max_leaves=4))
def test_a_selection_names_what_its_parts_say(selection: Selection) -> None:
    text, expected = selection
    if expected:
        found = selected_assets(text, definitions())
        assert set(found) == expected and len(found) == len(expected)
        place = {name: n for n, name in enumerate(found)}
        assert all(place[up] < place[down] for up in found for down in edges()[up] if down in place), (
            "upstream first"
        )
    else:
        with pytest.raises(UnknownAsset):
            selected_assets(text, definitions())


def test_downstream_means_all_of_it() -> None:
    for name in edges():
        found = set(selected_assets(f"{name}+", definitions()))
        assert found == reached(frozenset([name]), None, down=True), name


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("evnts", "Did you mean 'events'"),
        ("champion or evnts+", "Did you mean 'events'"),
        ("group:claen", "Did you mean 'clean'?"),
        ("kind:pytroch", "Did you mean 'pytorch'"),
        ("champion,events", "champion or events"),
        ("champion++", "write champion+"),
        ("++champion", "write +champion"),
        ("champion*", "write champion+"),
        ("*champion", "write +champion"),
        ("*events", "write +events"),
        ("champion and nosuch", "recsys status"),
        ("events and champion", "--dry-run"),
        ("champion or", "recsys status"),
        ("(champion", ""),
        ("", ""),
        ("status:success", ""),
        ("is:partitioned", ""),
    ],
)
def test_a_part_that_names_nothing_is_refused_with_what_may_have_been_meant(text: str, advice: str) -> None:
    with pytest.raises(UnknownAsset) as told:
        selected_assets(text, definitions())
    assert told.value.expected and told.value.found
    assert advice in (told.value.advice or "")


def test_a_pattern_that_is_written_as_one_is_taken_as_one() -> None:
    assert selected_assets("key:*events", definitions()) == ["raw_events", "events"]


@settings(deadline=None, max_examples=examples(40))
@given(selections=st.lists(st.recursive(SIMPLE, wider, max_leaves=3), min_size=1, max_size=3))
def test_several_selections_name_what_each_of_them_does(selections: list[Selection]) -> None:
    expected = frozenset[str]().union(*(names for _, names in selections))
    text = in_one_selection([text for text, names in selections if names])
    assert (set(selected_assets(text, definitions())) if text else set()) == expected


@settings(deadline=None, max_examples=examples(40))
@given(selection=st.recursive(SIMPLE, wider, max_leaves=4))
def test_a_selection_that_a_shell_divided_is_one(selection: Selection) -> None:
    if selection[1]:
        text = in_one_selection(selection[0].split())
        assert text is not None
        assert set(selected_assets(text, definitions())) == selection[1]


def test_names_with_commas_between_are_several() -> None:
    assert selected_assets(in_one_selection(["events,", "items"]) or "", definitions()) == ["items", "events"]
