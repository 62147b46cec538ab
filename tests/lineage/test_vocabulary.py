"""No cell of a table gets into a record through the texts that an asset's code hands back."""

from __future__ import annotations

import json
import re
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.plot import Plot
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.metadata.stored_metadata import stored_metadata
from recsys_lineage.progress import Progress, listening
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.records import Records
from tests.examples import examples

# A number with a fraction cannot be told from one that was computed, nor a short one from a number of the code.
_LIKE_COMPUTED = re.compile(r"\d{1,5}|\d*\.\d+")
CELLS = st.text(st.sampled_from("zxжjкЯ0123456789@.-_'\" "), min_size=4, max_size=24).filter(
    lambda text: (
        not any(_LIKE_COMPUTED.fullmatch(piece.strip("-_'\".@")) for piece in text.split())
        and (any(letter in "zxжjкЯ" for letter in text) or sum(map(str.isdigit, text)) >= 4)
    )
)
WAYS = (
    "{}",
    "customer {}",
    "the worst is {}, of 3 rows",
    "{}!",
    "id={}",
    "<{}>",
    "{} rows break the rule",
    "a{}b",
    "customer:{}",
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"), Engine(threads=1))
    return lake


def told(lake: Lake, cell: str, way: str) -> str:
    """Everything that is kept of a run whose code says a cell of its table in every place where it can."""
    lake.write_arrow("people", pl.DataFrame({"customer": [cell, "other"]}))

    def look(inputs: Inputs) -> CheckOutcome:
        found = way.format(inputs.query("SELECT customer FROM output LIMIT 1")["customer"][0])
        return CheckOutcome("look", False, found, counts={found: 2}, where=(found, f"{found}:3"))

    def spoken(people: pl.DataFrame) -> Output:
        found = way.format(people["customer"][0])
        return Output(
            people,
            statistics={"worst": found, found: 1, "all": [found, {"deep": found, found: [found]}]},
            warnings=[found],
            failures={"mon": found},
            takes={"people": found, found: [found]},
            metadata={
                "text": found, "markdown": dg.MetadataValue.md(f"# {found}"), "page": dg.MetadataValue.url(found),
                "json": {found: [found]}, "more": dg.MetadataValue.json([found]), "path": Path(found), found: 1,
                "table": dg.MetadataValue.table([dg.TableRecord({"a": found})]),
                "picture": Plot(pl.DataFrame({"a": [found, None], "b": [[found], []], "c": [1, 2]}), _drawn),
                "drawn": dg.MetadataValue.md(f"![plot](data:image/svg+xml,{found})"),
            },
        )  # fmt: skip

    code = frame_code(
        spoken, checks=[TableCheck("look", "a look", function=look)], observe=lambda: way.format(cell)
    )
    outcome = materialize(code, lake)
    assert outcome.output is not None
    kept: list[object] = [outcome.warnings]
    kept += [
        (outcome.plain(name), repr(told))
        for name, value in outcome.output.metadata.items()
        for told in [stored_metadata(value, outcome.plain)]
    ]
    for record in (outcome.record, *Records(lake).read()[0]):
        assert record.written is not None
        kept += [
            record.takes,
            record.observed,
            record.statistics,
            record.written.failures,
            [c.to_json() for c in record.checks],
        ]
    return json.dumps(kept, ensure_ascii=False)


def _drawn(frame: pl.DataFrame) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md(str(frame.rows()))


@settings(max_examples=examples(25), deadline=None)
@given(CELLS, st.sampled_from(WAYS))
@example("@".join(("00", "v")), "{}")  # both are constants of this code, but say nothing
@example("@".join(("0", "0", "10")), "{}")
@example("-".join(("0", "1", "10")), "{}")
@example("0" + 3 * "@", "{}")
@example("0" + 3 * "_", "{} rows break the rule")
@example("000" + ".0", "{}")
@example(".".join(("000", "v")), "a{}b")
def test_no_text_keeps_a_cell(tmp_path_factory: pytest.TempPathFactory, cell: str, way: str) -> None:
    kept = told(Lake(str(tmp_path_factory.mktemp("lake")), Engine(threads=1)), cell, way)
    assert not [piece for piece in cell.split() if len(piece) > 3 and piece in kept]


def counted(people: pl.DataFrame) -> Output:
    """What a good asset says: its own words, counts, names of tables and columns."""
    rows = people.height
    return Output(
        people,
        statistics={
            "rows": rows, "mean length": 4.25, "how": "by hand", "column": people.columns[0],
            "in words": f"{rows:,} rows of people, {4.25:.2f} letters, column {people.columns[0]}, by hand",
        },
    )  # fmt: skip


def test_what_code_says_by_itself_stays(lake: Lake) -> None:
    lake.write_arrow("people", pl.DataFrame({"customer": [f"c{n}" for n in range(1200)]}))
    said = materialize(frame_code(counted), lake).record.statistics
    assert said["in words"] == "1,200 rows of people, 4.25 letters, column customer, by hand"
    assert (said["how"], said["column"]) == ("by hand", "customer")


def named(inputs: Inputs) -> CheckOutcome:
    """Whether a kind is missing; says the kinds, which are cells."""
    counts = dict(inputs.query("SELECT kind, count(*) FROM output GROUP BY kind ORDER BY kind").iter_rows())
    inputs.shared_values("output", "kind", "who")
    return CheckOutcome("named", True, ", ".join(f"{kind} {n}" for kind, n in counts.items()), counts=counts)


def kinds(people: pl.DataFrame) -> pl.DataFrame:
    return people


def test_a_value_that_many_people_share_may_be_named(lake: Lake) -> None:
    common, rare = "zq" + "uery", "Xq" + "secret"  # no constants of this module
    rows = [(common, f"p{n}") for n in range(5)] + [(rare, "p1")] * 9
    lake.write_arrow("people", pl.DataFrame(rows, schema=["kind", "who"], orient="row"))
    code = frame_code(kinds, checks=[TableCheck("named", "kinds are named", function=named)])
    heard: list[Progress] = []
    with listening(heard.append):
        (*_, check) = materialize(code, lake).record.checks
    assert check.found == f"… 9, {common} 5"
    assert check.counts == {"…": 9, common: 5}
    assert [moment.text for moment in heard if moment.kind == "note"] == [f"{rare} 9, {common} 5"]


def placed(inputs: Inputs) -> CheckOutcome:
    """Names a row by its file and line, and another by a cell that looks like one."""
    row = inputs.query("SELECT who, _file, _line FROM output").row(0, named=True)
    return CheckOutcome(
        "placed", False, "2 rows are odd", counts={"rows": 2},
        where=(f"{row['_file']}:{row['_line']}", f"{row['who']}:{row['_line']}"),
    )  # fmt: skip


def rows(people: pl.DataFrame) -> pl.DataFrame:
    return people


def test_places_are_those_by_which_rows_are_traced(lake: Lake) -> None:
    file, who = "sales of " + "zqmay.csv", "zq" + "kunde"
    lake.write_arrow("people", pl.DataFrame({"who": [who], "_file": [file], "_line": [7]}))
    code = frame_code(rows, checks=[TableCheck("placed", "rows have places", function=placed)])
    (*_, check) = materialize(code, lake).record.checks
    assert check.where == (f"{file}:7", "…")


def reasoned(inputs: Inputs) -> CheckOutcome:
    """Says a literal of the SQL that it runs."""
    (reason,) = inputs.query(STATEMENT)["reason"]
    return CheckOutcome("reasoned", True, reason)


STATEMENT = "SELECT 'zq' || 'wrong' AS reason"


def test_literals_of_a_checks_statements_may_be_said(lake: Lake) -> None:
    lake.write_arrow("people", pl.DataFrame({"who": ["a"]}))
    for statements, said in (((), "…"), (("SELECT " + "'zq" + "wrong'",), "zq" + "wrong")):
        check = TableCheck("reasoned", "there are reasons", function=reasoned, statements=statements)
        (*_, found) = materialize(frame_code(rows, checks=[check]), lake).record.checks
        assert found.found == said
