"""Nights in any order end where a fresh home begins that is given the same files: every day, copies and faults."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.platform.nights import COLUMNS, CSV, DAYS, ONE, PARQUET, TWO, Nights, is_empty, row

NAMES = [f"sales-{letter}.{kind}" for letter in "abc" for kind in ("csv", "csv", "parquet")]
HEADERS = (
    COLUMNS,
    COLUMNS[::-1],
    (*COLUMNS, "channel"),
    ("store", *COLUMNS),
    (*COLUMNS[:2], "Note", *COLUMNS[2:]),
)
"""As an export is written at first, in another order, and with one more column."""
EVENTS = st.tuples(st.sampled_from(DAYS), st.sampled_from(["u1", "u2"]), st.sampled_from(["1", "2", ""]))
NAME = st.sampled_from([*dict.fromkeys(NAMES)])
CHANGES = st.one_of(
    st.tuples(st.just("deliver"), st.sampled_from(NAMES), st.lists(EVENTS, max_size=3), st.sampled_from(HEADERS)),
    st.tuples(st.just("copy"), NAME, NAME),
    st.tuples(st.sampled_from(["archive", "back", "break", "forget"]), NAME),
)  # fmt: skip


class Shop:
    """A shop over the nights, with what it had in its folder and what its tables are to hold, by the files' names."""

    def __init__(self, nights: Nights) -> None:
        self.nights = nights
        self.archive: dict[str, bytes] = {}
        self.held: dict[str, bytes] = {}
        self.forgotten: dict[str, bytes] = {}

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.nights.data.iterdir()}

    def change(self, kind: str, name: str, *more: Any) -> None:
        path = self.nights.data / name
        if kind == "deliver":
            events, header = more
            every = [(*row(day, who, pieces), "web", "7", "") for day, who, pieces in events]
            places = [(*COLUMNS, "channel", "store", "Note").index(column) for column in header]
            self.nights.deliver(name, *(tuple(each[at] for at in places) for each in every), header=header)
        elif kind == "copy":
            if name.endswith(more[0][-4:]) and (content := self.archive.get(more[0])) is not None:
                path.write_bytes(content)
        elif kind == "back" and name in self.archive:
            path.write_bytes(self.archive[name])
        elif kind == "archive":
            path.unlink(missing_ok=True)
        elif kind == "break" and path.exists():
            path.write_bytes(BROKEN)
        if path.exists() and kind != "break":
            self.archive[name] = path.read_bytes()

    def night(self, forget: set[str]) -> None:
        """Load; what could not be read is as it was, or gone, and loaded, before the day is over."""
        files = self.files()
        if broken := {name for name, content in files.items() if content == BROKEN}:
            assert {*self.nights.night().faulty} == broken
            for name in broken:
                (self.nights.data / name).unlink()
                if name in self.held:
                    (self.nights.data / name).write_bytes(self.held[name])
            files = self.files()
        report = self.nights.night(forget=forget)
        report = self.nights.emptied(report)
        assert report.complete
        said = {**self.forgotten, **{name: files.get(name) for name in forget}}
        self.forgotten = {
            name: content
            for name, content in files.items()
            if content == said.get(name) and name not in broken
        }
        read = {name: content for name, content in files.items() if name not in self.forgotten}
        assert all(read[name] == read[of] for name, of in report.copies.items())
        full = [content for name, content in read.items() if not is_empty(name, content)]
        assert len({*full}) == len(full) - len(report.copies), "of equal files one is read"
        gone = {
            name: content
            for name, content in self.held.items()
            if name not in {*files, *forget} and content not in read.values()
        }
        assert {*report.gone} == {*gone}
        assert {*report.forgotten} == {*self.forgotten}
        self.held = gone | {name: content for name, content in read.items() if name not in report.copies}


@settings(deadline=None, max_examples=examples(8, judged=2), suppress_health_check=[*HealthCheck])  # pyright: ignore[reportArgumentType]
@given(nights=st.lists(st.lists(CHANGES, min_size=1, max_size=4), min_size=2, max_size=5))
def test_tables_are_those_of_a_fresh_home_with_the_same_files(
    nights: list[list[tuple]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    shop = Shop(Nights.of(tmp_path_factory.mktemp("shop") / "shop", raw_events=BOTH))
    shop.change("deliver", "sales-a.csv", [(ONE, "u1", "1"), (TWO, "u1", "")], COLUMNS)
    shop.change("deliver", "sales-c.parquet", [(ONE, "u1", "1")], COLUMNS)
    shop.night(set())
    for changes in nights:
        for kind, *change in changes:
            shop.change(kind, *change)
        shop.night({name for kind, name, *_ in changes if kind == "forget" and name in shop.held})
    fresh = Nights.of(tmp_path_factory.mktemp("fresh") / "fresh", raw_events=BOTH)
    for name, content in shop.held.items():
        (fresh.data / name).write_bytes(content)
    if shop.held:
        report = fresh.night()
        assert report.complete and not report.copies
    events = fresh.events(*EVENT) if shop.held else []
    assert shop.nights.events(*EVENT) == events


EVENT = ("event_time", "user_id", "item_id", "quantity", "_file", "_line", "_day", "_row_hash")
BOTH = f"{CSV} UNION ALL BY NAME {PARQUET}"
BROKEN = b"\x00\xff" * 300
