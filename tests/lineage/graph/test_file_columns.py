"""Columns of files: those of a scan belong to the files of that scan alone."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.assets.asset_code import AssetCode, Output, Query
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.reading.scanned_files import open_scan
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.files import list_files, parse_source_sql
from recsys_lineage.graph import LineageGraph, columns
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.parts.file_pattern import is_of_scan
from recsys_lineage.records.records import Records
from recsys_lineage.sql.sql_text import SqlText


@dataclass(frozen=True)
class Scanned:
    """One scan: its files, its pattern, and whether the statement looks at its columns or only counts its rows."""

    place: int
    files: tuple[str, ...]
    pattern: str
    looked_at: bool

    @property
    def joined(self) -> str:
        """How the statement joins it."""
        call, alias = f"read_csv('{self.pattern}')", f"s{self.place}"
        if self.looked_at:
            return f"{call} AS {alias} ON {alias}.id = base.n"
        return f"(SELECT count(*) AS k FROM {call}) AS {alias} ON true"

    @property
    def taken(self) -> str:
        """What the statement takes of it."""
        return f"s{self.place}.v AS c{self.place}" if self.looked_at else f"s{self.place}.k AS c{self.place}"


@st.composite
def scans(draw: st.DrawFn) -> list[Scanned]:
    found = []
    for place in range(draw(st.integers(1, 4))):
        several, folder = draw(st.booleans()), draw(st.sampled_from(["", "sub/"]))
        files = [f"{folder}f{place}-{n}.csv" for n in range(draw(st.integers(1, 2)) if several else 1)]
        pattern = draw(st.sampled_from([f"{folder}f{place}-*.csv", f"{folder}f{place}-?.csv"]))
        found.append(Scanned(place, tuple(files), pattern if several else files[0], draw(st.booleans())))
    return found


def statement_of(of: list[Scanned]) -> str:
    return "\n".join(
        [
            f"SELECT {', '.join(each.taken for each in of)}",
            "FROM (SELECT 1 AS n) AS base",
            *(f"LEFT JOIN {each.joined}" for each in of),
        ]
    )


def asset_of(sql: str, folder: Path, source: bool) -> AssetCode:
    """A SQL asset over files, or a source's own SQL over its folder."""
    if not source:
        return sql_code(SqlText(sql, "made.sql"), name="made", files=folder)

    def made(inputs: Inputs) -> Output:
        query = parse_source_sql(sql)
        names = {scan: f"files_{place}" for place, scan in enumerate(query.scans)}
        for scan, name in names.items():
            open_scan(inputs, folder, scan, list_files(folder, scan.pattern), name, ["id", "v"])
        return Output(Query(query.rewritten(names)))

    return frame_code(made)


@settings(max_examples=10, deadline=None)
@given(of=scans(), source=st.booleans())
def test_each_file_has_the_columns_of_its_own_scan(of: list[Scanned], source: bool) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder, lake = Path(made) / "files", Lake(f"{made}/lake")
        (folder / "sub").mkdir(parents=True)
        for each in of:
            for file in each.files:
                (folder / file).write_text("id,v\n1,2\n3,4\n")
        outcome = materialize(asset_of(statement_of(of), folder, source), lake)
        assert outcome.error is None and not outcome.warnings
        graph = LineageGraph.of(Records(lake))
        for each in of:
            up = columns(graph, f"made.c{each.place}")
            direct = {(link.source, link.source_column) for link in up.links if link.kind == "DIRECT"}
            wanted = {(file, "v") for file in each.files if each.looked_at}
            assert {(name_of(node), column) for node, column in direct} == wanted
            for file in each.files:
                down = columns(graph, f"file:{file}", "down")
                made_of_it = {link.target_column for link in down.links if link.kind == "DIRECT"}
                assert made_of_it == ({f"c{each.place}"} if each.looked_at else set())


def name_of(node: str) -> str:
    """The file's path below its folder."""
    return node.removeprefix("file:").split("@")[0].split("/files/")[-1]


@pytest.mark.parametrize(
    ("path", "called", "is_one"),
    [
        ("a.csv", "read_csv('a.csv')", True),
        ("a.csv", "read_csv('b.csv')", False),
        ("landing/a-1.csv", "read_csv('a-*.csv', delim = ';')", True),
        ("a-1.csv.gz", "read_csv('a-*.csv')", True),
        ("it's.csv", "read_csv('it''s.csv')", True),
        ("b.csv", "a.csv, b.csv", True),
        ("c.csv", "a.csv, b.csv", False),
        ("a, b.csv", "a, b.csv", True),
        ("a.csv", "./a.csv", True),
        ("x/y/a.csv", "x/**/a.csv", True),
        ("a.csv", "sub/*.csv", False),
        ("a1.csv", "a[!2].csv", True),
        ("/home/a.csv", "/home/a.csv", True),
    ],
)
def test_a_file_is_of_the_scans_whose_patterns_it_fits(path: str, called: str, is_one: bool) -> None:
    assert is_of_scan(path, called) == is_one
