"""States of orders in later files: the proposed SQL names those that it knows, and any other one is told."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_assets.runs.trial import try_source
from recsys_assets.shop.loaded_source import load_source
from recsys_assets.shop.state_conditions import states_not_named
from tests.proposal.order_lines import LINES, csv_of
from tests.proposal.public_files import notes_of, proposed
from tests.proposal.shop_files import loaded
from tests.proposal.test_ended_orders import LAYOUTS


def doubts_of(root: Path) -> str:
    """What `recsys check` doubts."""
    tried = try_source(SourceFolder(load_source(root / "source"), root / "data"))
    return " ".join(doubt for table in tried.tables for doubt in table.doubts)


@pytest.mark.parametrize(
    ("layout", "known"), [*((layout, "cancelled") for layout in LAYOUTS), ("each line", "shipped")]
)
def test_a_state_of_a_later_file_is_told(tmp_path: Path, layout: str, known: str) -> None:
    proposed(tmp_path, LAYOUTS[layout](known))
    assert not doubts_of(tmp_path)
    for name, content in LAYOUTS[layout]("Unzustellbar").items():
        (tmp_path / "data" / name).write_bytes(content)
    column = {"heads": "state", "each line": "Order Status", "JSON": "order.status"}.get(layout, "status")
    doubts = doubts_of(tmp_path)
    assert f"column {column} says 'unzustellbar' (" in doubts and "the SQL does not name" in doubts
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == len(LINES)


def _marked(name: str, value: object) -> dict[str, bytes]:
    return {
        "orders.csv": csv_of(
            f"order_id,customer_id,sku,created_at,qty,price,{name}",
            lambda n: [n.order, n.customer, n.product, n.at, n.pieces, n.price, value],
        )
    }


@pytest.mark.parametrize(("name", "now", "later"), [
    ("is_test", "0", "1"), ("deleted", "false", "true"), ("storno", "nein", "ja"), ("cancelled", "", "x"),
    ("valid", "1", "0"), ("Cancelled at", "", "2024-03-01"), ("void reason", "", ""),
])  # fmt: skip
def test_what_marks_ended_orders_does_so_in_later_files_too(
    tmp_path: Path, name: str, now: str, later: str
) -> None:
    proposed(tmp_path, _marked(name, now))
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == len(LINES) and not doubts_of(tmp_path)
    for file, content in _marked(name, later).items():
        (tmp_path / "data" / file).write_bytes(content)
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == (0 if later else len(LINES))


@pytest.mark.parametrize("name", ["paid", "is_paid", "bezahlt"])
def test_orders_that_are_not_paid_count_and_are_told(tmp_path: Path, name: str) -> None:
    files = {
        "orders.csv": csv_of(
            f"order_id,customer_id,sku,created_at,qty,price,{name}",
            lambda n: [n.order, n.customer, n.product, n.at, n.pieces, n.price, int(n.order % 5 > 0)],
        )
    }
    assert f"column {name} says 1, 0: rows of all these count" in notes_of(proposed(tmp_path, files))
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == len(LINES)


@pytest.mark.parametrize(("name", "values"), [
    ("state", ["NY", "CA", "TX"]), ("lifestage", ["retired", "young family"]), ("estado", ["SP", "RJ"]),
    ("stock_status", ["low", "high"]), ("region", ["1", "2"]),
])  # fmt: skip
def test_columns_of_other_states_are_no_condition(tmp_path: Path, name: str, values: list[str]) -> None:
    files = {
        "orders.csv": csv_of(
            f"order_id,customer_id,sku,created_at,qty,price,{name}",
            lambda n: [
                n.order,
                n.customer,
                n.product,
                n.at,
                n.pieces,
                n.price,
                values[n.order % len(values)],
            ],
        )
    }
    assert "CASE" not in proposed(tmp_path, files).files["raw_events.sql"]


CONDITION = "CASE lower(s) WHEN 'paid' THEN true WHEN 'void' THEN false ELSE true END"


@pytest.mark.parametrize("sql", [
    f"SELECT who, _file, _line FROM f WHERE {CONDITION}",
    f"SELECT who, _file, _line FROM f WHERE who <> 'z' AND ({CONDITION} OR who = 'a') ORDER BY 1 LIMIT 1",
    f"SELECT a.who, a._file, a._line FROM f AS a JOIN f AS b USING (who) WHERE {CONDITION.replace('(s)', '(b.s)')}",
    f"SELECT who, _file, _line FROM f WHERE false UNION ALL SELECT who, _file, _line FROM f WHERE {CONDITION}",
    f"WITH g AS (SELECT * FROM f) SELECT who, _file, _line FROM g WHERE {CONDITION}",
    f"SELECT who, _file, _line FROM f QUALIFY {CONDITION.replace('(s)', '(max(s) OVER (PARTITION BY _file, who))')}",
])  # fmt: skip
def test_a_state_that_a_condition_does_not_name_is_found_wherever_it_stands(sql: str) -> None:
    with duckdb.connect() as con:
        con.execute(
            "CREATE TABLE f AS SELECT * FROM (VALUES ('a', 'PAID', 'o.csv', 2), ('b', 'lost', 'o.csv', 3), "
            "('c', '', 'o.csv', 4), ('d', NULL, 'o.csv', 5)) AS f (who, s, _file, _line)"
        )
        for shown in (True, False):
            (text,) = states_not_named(sql, lambda each: con.execute(each).fetchall(), shown=shown)
            assert "column s" in text and "as at o.csv:3" in text
            assert ("lost" in text) is shown, "records keep no values"


@pytest.mark.parametrize("sql", [
    "SELECT who, _file, _line FROM f WHERE s <> 'paid'",
    "SELECT CASE s WHEN 'x' THEN true ELSE false END AS who, _file, _line FROM f",
    "SELECT who, _file, _line FROM f WHERE CASE WHEN s = 'x' THEN true ELSE false END",
    "SELECT who, _file, _line FROM f WHERE CASE s WHEN 'x' THEN 1 ELSE 2 END = 1",
])  # fmt: skip
def test_other_conditions_name_no_states(sql: str) -> None:
    def never(sql: str) -> list[tuple]:
        raise AssertionError(sql)

    assert not [*states_not_named(sql, never, shown=True)]
