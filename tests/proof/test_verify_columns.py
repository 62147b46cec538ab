"""verify_columns refutes what is missing, lists what is not shown, and has nothing against what is right."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import polars as pl
import pytest

from recsys_lineage.progress import Progress, listening
from recsys_lineage.proof import ColumnProof, ExperimentError, verify_columns

SCHEMAS = {
    "orders": {"id": "INTEGER", "buyer": "INTEGER", "price": "INTEGER", "note": "VARCHAR"},
    "buyers": {"buyer": "INTEGER", "name": "VARCHAR", "tags": "VARCHAR[]"},
}


@dataclass(frozen=True)
class Edge:
    """An edge as it is claimed."""

    table: str
    column: str
    kind: str = "DIRECT"
    subtype: str = "IDENTITY"


def edge(text: str) -> Edge:
    """`orders.price SORT` is an indirect edge, `orders.price IDENTITY` a direct one."""
    source, _, subtype = text.partition(" ")
    table, _, column = source.partition(".")
    direct = subtype in ("IDENTITY", "TRANSFORMATION", "AGGREGATION")
    return Edge(table, column, "DIRECT" if direct else "INDIRECT", subtype)


def rows(seed: int = 3) -> dict[str, Sequence[Sequence[object]]]:
    chance = random.Random(seed)
    return {
        "orders": [
            (n, chance.choice([1, 2, 3, 4, None]), chance.randint(1, 9), chance.choice(["a", "b", None]))
            for n in range(25)
        ],
        "buyers": [(n, f"name {n % 3}", [f"t{n}", "x"][: n % 3]) for n in (1, 2, 2, 3, 4)],
    }


def proof(sql: str, **edges: list[str]) -> ColumnProof:
    read = {table: of for table, of in rows().items() if table in sql}
    return verify_columns(sql, SCHEMAS, read, {out: [edge(each) for each in of] for out, of in edges.items()})


RIGHT: dict[str, dict[str, list[str]]] = {
    "SELECT id, price * 2 AS twice FROM orders": {
        "id": ["orders.id IDENTITY"],
        "twice": ["orders.price TRANSFORMATION"],
    },
    "SELECT price FROM orders WHERE note = 'a'": {"price": ["orders.price IDENTITY", "orders.note FILTER"]},
    "SELECT id FROM orders ORDER BY price, id": {"id": ["orders.id IDENTITY", "orders.price SORT"]},
    "SELECT id, rank() OVER (ORDER BY price, id) AS r FROM orders": {
        "id": ["orders.id IDENTITY"],
        "r": ["orders.price WINDOW", "orders.id WINDOW"],
    },
    "SELECT buyer, sum(price) AS spent FROM orders GROUP BY buyer": {
        "buyer": ["orders.buyer IDENTITY"],
        "spent": ["orders.price AGGREGATION", "orders.buyer GROUP_BY"],
    },
    "SELECT o.id, b.name FROM orders AS o LEFT JOIN buyers AS b ON b.buyer = o.buyer": {
        "id": ["orders.id IDENTITY", "orders.buyer JOIN", "buyers.buyer JOIN"],
        "name": ["buyers.name IDENTITY", "orders.buyer JOIN", "buyers.buyer JOIN"],
    },
    "SELECT buyer, list(price ORDER BY id) AS prices FROM orders GROUP BY buyer ORDER BY buyer": {
        "buyer": ["orders.buyer IDENTITY"],
        "prices": ["orders.price AGGREGATION", "orders.id SORT", "orders.buyer GROUP_BY"],
    },
    "SELECT unnest(tags) AS tag FROM buyers": {"tag": ["buyers.tags TRANSFORMATION"]},
}  # fmt: skip
LACKING = [(sql, output, lost) for sql, edges in RIGHT.items() for output, of in edges.items() for lost in of]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("sql", RIGHT)
def test_right_edges_stand(sql: str) -> None:
    found = proof(sql, **RIGHT[sql])
    assert found.sound, found.report()
    assert not found.not_shown and not found.unseen and not found.untested, found.report()


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("sql", "output", "lost"), LACKING, ids=lambda part: str(part)[:60])
def test_a_missing_edge_is_refuted(sql: str, output: str, lost: str) -> None:
    claimed = {
        name: [each for each in of if each != lost or name != output] for name, of in RIGHT[sql].items()
    }
    found = proof(sql, **claimed)
    table, _, column = lost.partition(" ")[0].partition(".")
    if any(each.partition(" ")[0] == f"{table}.{column}" for each in claimed[output]):
        return  # another edge between the same columns is left
    assert any(
        (each.table, each.column) == (table, column) and output in each.outputs for each in found.refuted
    )
    assert "refuted: " in found.report()


def test_a_direct_edge_of_nothing_is_listed_as_not_shown() -> None:
    found = proof("SELECT id FROM orders", id=["orders.id IDENTITY", "orders.note TRANSFORMATION"])
    assert found.sound
    assert [(claim.table, claim.column) for claim in found.not_shown] == [("orders", "note")]
    assert found.pairs == 2 and found.possible == 4


def test_an_indirect_edge_of_nothing_is_listed_as_unseen() -> None:
    found = proof("SELECT id FROM orders", id=["orders.id IDENTITY", "orders.note FILTER"])
    assert found.sound and not found.not_shown
    assert [(claim.table, claim.column) for claim in found.unseen] == [("orders", "note")]


def test_values_that_only_move_are_seen() -> None:
    """Ranks stay the same numbers whatever they rank; only the rows that they stand in tell."""
    found = proof(
        "SELECT id, row_number() OVER (ORDER BY price, id) AS r FROM orders", id=["orders.id IDENTITY"], r=[]
    )
    assert {each.column for each in found.refuted} == {"price"}


@pytest.mark.parametrize(
    ("column", "value"), [("note", "upper(note) || '!'"), ("price", "max(price) OVER ()")]
)
def test_what_stands_in_a_value_must_be_direct(column: str, value: str) -> None:
    sql = f"SELECT {value} AS shown FROM orders"
    found = proof(sql, shown=[f"orders.{column} CONDITIONAL"])
    assert [(each.column, each.lacks) for each in found.refuted] == [(column, "a DIRECT edge")]
    assert f"orders.{column} stands in shown without a DIRECT edge" in found.report()
    assert proof(sql, shown=[f"orders.{column} AGGREGATION"]).sound
    decides = f"SELECT if({column} IS NULL, 1, 2) AS shown FROM orders"
    assert proof(decides, shown=[f"orders.{column} CONDITIONAL"]).sound


def test_random_numbers_are_no_fault_of_the_edges() -> None:
    found = proof("SELECT id, random() AS r FROM orders", id=["orders.id IDENTITY"], r=[])
    assert found.sound and found.unsteady == ("r",)


def test_a_column_that_cannot_be_changed_is_named() -> None:
    found = proof(
        "SELECT id, note::INTEGER AS n FROM (SELECT id, NULL AS note FROM orders)",
        id=["orders.id IDENTITY"],
        n=[],
    )
    assert found.sound and not found.untested
    strict = "SELECT id, if(note IS NULL OR note IN ('a', 'b'), 1, error('no')::INTEGER) AS n FROM orders"
    assert proof(strict, id=["orders.id IDENTITY"], n=["orders.note TRANSFORMATION"]).failed > 0


def test_a_function_over_frames_is_proved_too() -> None:
    def spent(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        orders = tables["orders"]
        return orders.group_by("buyer").agg(pl.col("price").sum().alias("spent")).sort("buyer")

    right = {
        "buyer": [edge("orders.buyer IDENTITY")],
        "spent": [edge("orders.price AGGREGATION"), edge("orders.buyer G")],
    }
    found = verify_columns(spent, SCHEMAS, {"orders": rows()["orders"]}, right)
    assert found.sound and not found.not_shown
    wrong = verify_columns(spent, SCHEMAS, {"orders": rows()["orders"]}, {**right, "spent": []})
    assert {each.column for each in wrong.refuted} == {"buyer", "price"}


def test_what_depends_on_the_order_of_rows_is_proved_of_python_and_told() -> None:
    """A table that a function reads has an order, which no changed value changes."""

    def numbered(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        orders = tables["orders"].with_row_index("place")
        return orders.select(
            "id",
            "place",
            paid=pl.col("price").cum_sum(),
            chance=pl.Series([random.random() for _ in range(25)]),
        )

    read = {"orders": rows()["orders"]}
    right = {
        "id": [edge("orders.id IDENTITY")], "place": [],
        "paid": [edge("orders.price AGGREGATION")], "chance": [],
    }  # fmt: skip
    found = verify_columns(numbered, SCHEMAS, read, right)
    assert found.sound and not found.not_shown, found.report()
    assert (found.by_order, found.unsteady) == (("place", "paid"), ("chance",))
    assert "depends on the order of the rows read: paid" in found.report()
    wrong = verify_columns(numbered, SCHEMAS, read, {**right, "paid": []})
    assert {(each.column, each.outputs) for each in wrong.refuted} == {("price", ("paid",))}


def test_never_null_columns_get_no_null() -> None:
    sql = "SELECT count(*) FILTER (price IS NULL) AS n FROM orders"
    assert not proof(sql, n=[]).sound
    kept = verify_columns(
        sql, SCHEMAS, {"orders": rows()["orders"]}, {"n": []}, never_null={"orders": ["price"]}
    )
    assert kept.sound


def test_progress_is_told() -> None:
    heard: list[Progress] = []
    with listening(heard.append):
        proof("SELECT id FROM orders", id=["orders.id IDENTITY"])
    assert [each.text for each in heard if each.kind == "step"][:2] == ["orders.buyer", "orders.id"]


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(ExperimentError, match="other columns"):
        proof("SELECT id FROM orders", price=[])
    with pytest.raises(ExperimentError, match="does not run"):
        proof("SELECT nothing FROM orders", nothing=[])
    with pytest.raises(ExperimentError, match="no rows are given"):
        proof("SELECT id FROM orders", id=["order.id IDENTITY"])
    with pytest.raises(ExperimentError, match="no column"):
        proof("SELECT id FROM orders", id=["orders.price IDENTITY", "orders.pirce IDENTITY"])


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, '471311' || price AS k FROM orders",
        "SELECT id, CASE WHEN id > 99 THEN 71311 END AS k FROM orders",
        "SELECT max(id) AS id, (SELECT list(range)::VARCHAR FROM range(10000, 100000)) AS k FROM orders",
    ],
)
def test_a_value_that_holds_a_mark_by_chance_refutes_nothing(sql: str) -> None:
    edges = {
        "id": ["orders.id IDENTITY"],
        "k": ["orders.id CONDITIONAL"] if "CASE" in sql else ["orders.price TRANSFORMATION"],
    }
    assert proof(sql, **edges).sound


def test_a_value_that_keeps_every_mark_is_made_of_it() -> None:
    found = proof("SELECT id, id AS k FROM orders", id=["orders.id IDENTITY"], k=["orders.id CONDITIONAL"])
    assert [each.outputs for each in found.refuted] == [("k",)]


@pytest.mark.parametrize("most", [0, 1, 3, 4, 5, 9])
def test_what_the_time_did_not_suffice_for_is_told(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each column is changed once before any is changed in a second way, so most of a short time is told of."""
    clock = iter([0.0] * (most + 1))
    sql = "SELECT id, price * 2 AS twice, note FROM orders WHERE buyer > 1"
    edges = {name: [f"orders.{name} IDENTITY"] for name in ("id", "note")}
    edges = {"id": edges["id"], "twice": ["orders.price TRANSFORMATION"], "note": edges["note"]}
    filtered = {out: [edge(each), edge("orders.buyer FILTER")] for out, (each,) in edges.items()}
    read = {"orders": rows()["orders"]}
    orders = {"orders": SCHEMAS["orders"]}
    whole = verify_columns(sql, orders, read, filtered, rounds=1)
    assert (
        whole.over_after is None and not whole.untested and "the time limit was reached" not in whole.report()
    )
    watch = SimpleNamespace(perf_counter=lambda: next(clock, 61.0))
    monkeypatch.setattr("recsys_lineage.proof.time_left.time", watch)
    found = verify_columns(sql, orders, read, filtered, rounds=1, seconds=60)
    assert found.sound and found.over_after == 60 and found.runs < whole.runs
    assert len(found.untested) == max(0, 4 - most)
    changed = len(found.inputs) - len(found.untested)
    assert f"the time limit was reached after 60 s and {found.runs} runs: {changed} of" in found.report()
    assert all(f"not tested: {each}" in found.report() for each in found.untested)
