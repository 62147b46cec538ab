"""Fingerprints: equal for equal rows in any order and layout, different for everything else."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_lineage.lake.delta_schema import columns_of
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.fingerprint import EMPTY, add_contents, partition_fingerprints, table_fingerprint
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import Column
from tests.examples import examples
from tests.lineage.lake.conftest import ENGINE

INNER = pa.struct([("x", pa.int32()), ("y", pa.list_(pa.string()))])
SCHEMA = pa.schema(
    {
        "i": pa.int64(),
        "x": pa.float64(),
        "s": pa.string(),
        "d": pa.decimal128(12, 2),
        "t": pa.timestamp("us"),
        "day": pa.date32(),
        "b": pa.bool_(),
        "raw": pa.binary(),
        "l": pa.list_(pa.int64()),
        "ll": pa.list_(pa.list_(pa.int32())),
        "st": INNER,
        "sl": pa.list_(INNER),
        "m": pa.map_(pa.string(), pa.list_(pa.int32())),
    }
)

# Few values each, so that rows that differ in one place only are common.
small = st.none() | st.integers(0, 2)
texts = st.none() | st.sampled_from(["", "a", "b", "é漢\U0001f600", "NULL", "a\x01"])
structs = st.none() | st.fixed_dictionaries({"x": small, "y": st.none() | st.lists(texts, max_size=2)})
row = st.fixed_dictionaries(
    {
        "i": small | st.integers(-(2**63), 2**63 - 1),
        "x": st.none()
        | st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 1.5, 5e-324])
        | st.floats(),
        "s": texts | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        "d": st.none() | st.decimals(-(10**9), 10**9, places=2),
        "t": st.none() | st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),
        "day": st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1)),
        "b": st.none() | st.booleans(),
        "raw": st.none() | st.binary(max_size=3),
        "l": st.none() | st.lists(small, max_size=3),
        "ll": st.none() | st.lists(st.none() | st.lists(small, max_size=2), max_size=2),
        "st": structs,
        "sl": st.none() | st.lists(structs, max_size=2),
        "m": st.none()
        | st.dictionaries(st.sampled_from("kl"), st.none() | st.lists(small, max_size=2)).map(
            lambda found: list(found.items())
        ),
    }
)
rows = st.lists(row, max_size=6)
quick = settings(
    max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
slow = settings(quick, max_examples=examples(6))


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with ENGINE.connect() as connection:
        yield connection


def content(
    db: duckdb.DuckDBPyConnection, found: Sequence[dict[str, Any]], schema: pa.Schema = SCHEMA
) -> str:
    db.register("found", pa.Table.from_pylist(list(found), schema))
    return partition_fingerprints(db, "found", columns_of(db, "FROM found"), None).get("", EMPTY)


def canonical(value: Any) -> Any:
    """A hashable value, the same for those that SQL takes for equal."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value + 0.0
    if isinstance(value, dict):
        return tuple((key, canonical(item)) for key, item in sorted(value.items()))
    if isinstance(value, list | tuple):
        return tuple(canonical(item) for item in value)
    return value


@quick
@given(rows, rows)
def test_contents_are_equal_exactly_when_the_rows_are(
    db: duckdb.DuckDBPyConnection, one: list[dict], other: list[dict]
) -> None:
    same = Counter(map(canonical, one)) == Counter(map(canonical, other))
    assert (content(db, one) == content(db, other)) == same


@quick
@given(rows.filter(bool), st.data())
def test_a_change_of_one_value_shows(
    db: duckdb.DuckDBPyConnection, found: list[dict], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(found) - 1))
    name = data.draw(st.sampled_from(SCHEMA.names))
    changed = [dict(each) for each in found]
    changed[place][name] = data.draw(row)[name]
    same = canonical(changed[place]) == canonical(found[place])
    assert (content(db, found) == content(db, changed)) == same


@quick
@given(rows, st.randoms(use_true_random=False), st.integers(0, 6))
def test_order_and_parts_do_not_matter(
    db: duckdb.DuckDBPyConnection, found: list[dict], chance: random.Random, cut: int
) -> None:
    whole = content(db, found)
    chance.shuffle(found)
    assert content(db, found) == whole
    assert add_contents([content(db, found[:cut]), content(db, found[cut:])]) == whole


@quick
@given(rows.filter(bool))
def test_duplicates_count(db: duckdb.DuckDBPyConnection, found: list[dict]) -> None:
    assert content(db, found) != content(db, [*found, found[0]])
    assert add_contents([content(db, found)] * 3) == content(db, found * 3)


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        (pa.list_(pa.int32()), [None, [], [None], [0], [0, 0], [0, None], [None, 0], [1], [0, 1], [1, 0]]),
        (pa.list_(pa.list_(pa.int32())), [None, [], [None], [[]], [[None]], [[0]], [[0], [0]], [[0, 0]], [[], [0]],
                                          [[0], []], [[1], [2]], [[1, 2]], [[2], [1]], [[1, 2], []]]),
        (pa.struct([("a", pa.int32()), ("b", pa.int32())]), [None, {"a": None, "b": None}, {"a": 0, "b": None},
                                                            {"a": None, "b": 0}, {"a": 0, "b": 0}, {"a": 1, "b": 0}]),
        (pa.list_(pa.struct([("a", pa.list_(pa.string()))])), [None, [], [None], [{"a": None}], [{"a": []}],
                                                               [{"a": [""]}], [{"a": [None]}], [{"a": ["", ""]}]]),
        (pa.map_(pa.string(), pa.int32()), [None, [], [("a", None)], [("a", 0)], [("", 0)], [("a", 0), ("b", 0)]]),
        (pa.string(), [None, "", "NULL", "0", "\x00"]),
        (pa.float32(), [None, 0.0, math.nan, math.inf, -math.inf, 1.0]),
    ],
    ids=str,
)  # fmt: skip
def test_similar_values_differ(db: duckdb.DuckDBPyConnection, type_: pa.DataType, values: list) -> None:
    for schema in (pa.schema({"v": type_}), pa.schema({"k": pa.int32(), "v": type_, "w": type_})):
        seen = [content(db, [{"k": 7, "v": value, "w": None}], schema) for value in values]
        assert len(set(seen)) == len(values)


def test_values_swapped_between_rows_show(db: duckdb.DuckDBPyConnection) -> None:
    """DuckDB joins the hashes of columns by XOR, so a sum of plain row hashes misses some swaps: here is one."""
    prices = db.sql("SELECT hash(i::INTEGER) AS h FROM range(2000) t(i) ORDER BY i").fetchnumpy()["h"]
    apart = np.bitwise_count(prices[:, None] ^ prices[None, :]).astype(int) + 99 * np.eye(2000, dtype=int)
    cheap, dear = (int(index) for index in np.unravel_index(apart.argmin(), apart.shape))
    bits = int(prices[cheap] ^ prices[dear])
    # Two items whose hashes agree in all bits in which those of the two prices differ.
    one, other = db.execute(
        "SELECT list(i)[1], list(i)[2] FROM range(20000) t(i) "
        "GROUP BY xor(hash(i::INTEGER, 0::INTEGER), hash(0::INTEGER)) & $bits HAVING count(*) > 1 LIMIT 1",
        {"bits": bits},
    ).fetchall()[0]
    schema = pa.schema({"item": pa.int32(), "price": pa.int32()})
    right = [{"item": one, "price": cheap}, {"item": other, "price": dear}]
    wrong = [{"item": one, "price": dear}, {"item": other, "price": cheap}]
    sums = [
        db.from_arrow(pa.Table.from_pylist(found, schema)).aggregate("sum(hash(item, price))").fetchall()
        for found in (right, wrong)
    ]
    assert sums[0] == sums[1]
    assert content(db, right, schema) != content(db, wrong, schema)


@slow
@given(rows, st.randoms(use_true_random=False))
def test_file_layout_does_not_matter(tmp_path_factory: Any, found: list[dict], chance: random.Random) -> None:
    lake = Lake(str(Path(tmp_path_factory.mktemp("layout"))), ENGINE)
    keyed = [{**each, "p": f"p{number % 3}"} for number, each in enumerate(found)]
    table = pa.Table.from_pylist(keyed, SCHEMA.append(pa.field("p", pa.string())))
    chance.shuffle(keyed)
    shuffled = pa.Table.from_pylist(keyed, table.schema)
    with lake.connect() as db:
        db.register("found", table)
        db.register("shuffled", shuffled)
        one = lake.write("one", "FROM found", connection=db)
        parts = lake.write("parts", "FROM shuffled", connection=db, partition_by="p")
        for start in range(0, max(len(found), 1), 2):
            lake.write("appended", f"FROM shuffled LIMIT 2 OFFSET {start}", connection=db, append=True)
    with Engine(threads=2).connect(folders=[lake.uri]) as db:
        again = lake.write("one", f"FROM {lake.relation(parts)}", connection=db)
    appended = lake.version("appended")
    assert one.fingerprint == parts.fingerprint == appended.fingerprint == again.fingerprint
    assert one.content == add_contents(part.fingerprint for part in parts.partitions.values())
    assert one.content == content(ENGINE.connect(), keyed, table.schema)


def test_large_tables_agree_across_threads_row_groups_and_encodings(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path), ENGINE)
    query = (
        "SELECT i, i % 7 AS p, 'name ' || (i % 50) AS s, CASE WHEN i % 3 = 0 THEN NULL ELSE i / 4 END AS x, "
        "[i % 5, NULL, i] AS l, {'a': i % 2, 'b': 'c'} AS st FROM range(300000) t(i)"
    )
    seen = []
    for number, (threads, by, order) in enumerate(
        [(1, None, ""), (2, "p", ""), (2, None, " ORDER BY hash(i)")]
    ):
        with Engine(threads=threads).connect(folders=[lake.uri]) as db:
            seen.append(lake.write(f"t{number}", query + order, connection=db, partition_by=by))
    assert len({version.fingerprint for version in seen}) == 1


def test_the_schema_is_part_of_the_fingerprint() -> None:
    base = table_fingerprint([Column("a", "INTEGER")], "1:ff")
    assert base != table_fingerprint([Column("b", "INTEGER")], "1:ff")
    assert base != table_fingerprint([Column("a", "BIGINT")], "1:ff")
    assert base != table_fingerprint([Column("a", "INTEGER")], "2:ff")
    assert len(base) == 32


@given(st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 2**100)), max_size=6))
def test_contents_add_up(parts: list[tuple[int, int]]) -> None:
    written = [f"{count}:{total:x}" for count, total in parts]
    whole = add_contents(written)
    assert whole == f"{sum(c for c, _ in parts)}:{sum(t for _, t in parts):x}"
    assert (
        whole
        == add_contents(reversed(written))
        == add_contents([add_contents(written[:2]), *written[2:], EMPTY])
    )
