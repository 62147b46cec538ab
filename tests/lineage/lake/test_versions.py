"""Versions of a table: atomic, complete, and readable for ever."""

from __future__ import annotations

from datetime import timezone

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from recsys_lineage.errors import LineageError, SchemaMismatch, TableNotFound, UnnotedFile
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import Column, TableVersion


def rows(lake: Lake, version: TableVersion) -> list[tuple]:
    return sorted(pl.DataFrame(lake.arrow(version)).rows())


def sizes(lake: Lake, table: str) -> list[int]:
    files = [path for path in lake.storage.files(lake.table_uri(table)) if path.endswith(".parquet")]
    return [lake.storage.filesystem.info(path)["size"] for path in files]


def test_every_version_reads_as_it_was_written(lake: Lake, db: duckdb.DuckDBPyConnection) -> None:
    for number in range(4):
        lake.write("t", "SELECT $n::BIGINT AS n", connection=db, parameters={"n": number})
    assert [rows(lake, lake.version("t", number)) for number in range(4)] == [[(n,)] for n in range(4)]
    assert [version.version for version in lake.versions("t")] == [0, 1, 2, 3]
    assert lake.latest("t") == lake.version("t") == lake.versions("t")[-1]


def test_a_version_says_what_it_holds(lake: Lake, db: duckdb.DuckDBPyConnection) -> None:
    version = lake.write(
        "t", "SELECT i, i % 2 AS p, 'x' AS s FROM range(10) t(i)", connection=db, partition_by="p"
    )
    assert (version.table, version.version, version.rows, version.files) == ("t", 0, 10, 2)
    assert version.schema == (Column("i", "BIGINT"), Column("p", "BIGINT"), Column("s", "VARCHAR"))
    assert (version.partition_column, list(version.partitions)) == ("p", ["0", "1"])
    assert [part.rows for part in version.partitions.values()] == [5, 5]
    assert version.bytes == sum(sizes(lake, "t"))
    assert version.committed.tzinfo == timezone.utc
    assert TableVersion.from_json(version.to_json()) == version == lake.version("t")


def test_relation_and_scan_agree_with_the_query(lake: Lake, db: duckdb.DuckDBPyConnection) -> None:
    version = lake.write(
        "t", "SELECT i, 'p' || i % 3 AS p, i * 1.5 AS x FROM range(30) t(i)", connection=db, partition_by="p"
    )
    expected = sorted((i, f"p{i % 3}", i * 1.5) for i in range(30))
    assert sorted(db.sql(f"SELECT i, p, x::DOUBLE FROM {lake.relation(version)}").fetchall()) == expected
    assert sorted(lake.scan(version).with_columns(pl.col("x").cast(pl.Float64)).collect().rows()) == expected
    some = lake.relation(version, partitions=["p1"], columns=["i"])
    assert sorted(db.sql(f"FROM {some}").fetchall()) == [(i,) for i in range(1, 30, 3)]
    assert db.sql(f"FROM {lake.relation(version, partitions=['absent'])}").fetchall() == []


def test_replaced_partitions_leave_the_others(lake: Lake, db: duckdb.DuckDBPyConnection) -> None:
    first = lake.write("t", "SELECT i, i % 3 AS p FROM range(9) t(i)", connection=db, partition_by="p")
    second = lake.write(
        "t", "SELECT 100::BIGINT AS i, 1::BIGINT AS p", connection=db, partition_by="p", partitions=["1"]
    )
    assert rows(lake, second) == sorted([(0, 0), (3, 0), (6, 0), (100, 1), (2, 2), (5, 2), (8, 2)])
    assert rows(lake, first) == sorted((i, i % 3) for i in range(9))
    assert [part.version for part in second.partitions.values()] == [0, 1, 0]
    assert (second.rows, second.files) == (7, 3)


def test_a_partition_may_become_empty(lake: Lake, db: duckdb.DuckDBPyConnection) -> None:
    lake.write("t", "SELECT i, i % 2 AS p FROM range(4) t(i)", connection=db, partition_by="p")
    emptied = lake.write(
        "t",
        "SELECT 0::BIGINT AS i, 1::BIGINT AS p WHERE false",
        connection=db,
        partition_by="p",
        partitions=["1"],
    )
    assert rows(lake, emptied) == [(0, 0), (2, 0)]
    assert emptied.partitions["1"].rows == 0
    assert db.sql(f"FROM {lake.relation(emptied, partitions=['1'])}").fetchall() == []


def test_unchanged_partitions_keep_the_version_that_changed_them(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection
) -> None:
    folder_lake.write("t", "SELECT i, i % 2 AS p FROM range(4) t(i)", connection=folder_db, partition_by="p")
    again = folder_lake.write(
        "t",
        "SELECT i + (i % 2) * 10 AS i, i % 2 AS p FROM range(4) t(i)",
        connection=folder_db,
        partition_by="p",
    )
    assert [part.version for part in again.partitions.values()] == [0, 1]


def test_rows_outside_the_named_partitions_are_refused(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(LineageError, match="partitions that were not requested: 2"):
        folder_lake.write(
            "t", "SELECT 1 AS i, '2' AS p", connection=folder_db, partition_by="p", partitions=["1"]
        )
    assert not folder_lake.has("t")


@pytest.mark.parametrize("by", [None, "p"])
def test_appended_rows_add_up(lake: Lake, db: duckdb.DuckDBPyConnection, by: str | None) -> None:
    for number in range(3):
        lake.write(
            "t", f"SELECT i + {number} AS i, i % 2 AS p FROM range(4) t(i)",
            connection=db, partition_by=by, append=True,
        )  # fmt: skip
    version = lake.version("t")
    whole = lake.write(
        "u", "SELECT i + n AS i, i % 2 AS p FROM range(4) t(i), range(3) s(n)", connection=db, partition_by=by
    )
    assert rows(lake, version) == rows(lake, whole)
    assert (version.rows, version.fingerprint) == (12, whole.fingerprint)
    assert {k: p.fingerprint for k, p in version.partitions.items()} == {
        k: p.fingerprint for k, p in whole.partitions.items()
    }
    assert (version.bytes, version.files) == (sum(sizes(lake, "t")), len(sizes(lake, "t")))


def test_added_between_returns_only_what_was_appended(lake: Lake) -> None:
    for number in range(5):
        lake.write_arrow("t", pa.table({"n": [number]}), append=True)
    assert sorted(lake.added_between("t", 1, 3)["n"]) == [2, 3]
    assert sorted(lake.added_between("t", None, 2)["n"]) == [0, 1, 2]


@pytest.mark.parametrize("by", [None, "p"])
def test_an_empty_table_is_a_table(lake: Lake, db: duckdb.DuckDBPyConnection, by: str | None) -> None:
    empty = lake.write("t", "SELECT 1 AS i, 'x' AS p WHERE false", connection=db, partition_by=by)
    assert (empty.rows, empty.content) == (0, "0:0")
    assert lake.arrow(empty).column_names == ["i", "p"]
    assert lake.scan(empty).collect().schema == {"i": pl.Int32, "p": pl.String}
    filled = lake.write("t", "SELECT 1 AS i, 'x' AS p", connection=db, partition_by=by)
    assert rows(lake, filled) == [(1, "x")]
    assert rows(lake, lake.version("t", 0)) == []


def test_writing_everything_may_change_columns_and_partitions(
    lake: Lake, db: duckdb.DuckDBPyConnection
) -> None:
    shapes = [
        ("SELECT 1 AS i, 'a' AS p", None),
        ("SELECT 1.5::DOUBLE AS i, 'a' AS p, TIMESTAMP '2017-01-01' AS t", None),
        ("SELECT 2 AS i, 'b' AS p", "p"),
        ("SELECT 'c' AS p, 3 AS i, [1] AS more", "p"),
        ("SELECT 4 AS i, DATE '2017-01-04' AS q", "q"),
        ("SELECT 5 AS i", None),
    ]
    for query, by in shapes:
        lake.write("t", query, connection=db, partition_by=by)
    for number, (query, by) in enumerate(shapes):
        version = lake.version("t", number)
        assert (version.version, version.partition_column, version.files) == (number, by, 1)
        assert db.sql(f"FROM {lake.relation(version)}").fetchall() == db.sql(query).fetchall()
        assert lake.scan(version).collect().rows() == pl.DataFrame(db.sql(query).to_arrow_table()).rows()


@pytest.mark.parametrize(
    ("query", "by"),
    [
        ("SELECT 1 AS i, 'b' AS p, 1 AS more", "p"),
        ("SELECT 'x' AS i, 'b' AS p", "p"),
        ("SELECT 'b' AS p, 1 AS i", "p"),
        ("SELECT 1 AS i, 'b' AS p", "i"),
    ],
    ids=["another column", "another type", "another order", "another partition column"],
)
def test_part_of_a_table_must_fit_the_rest(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection, query: str, by: str
) -> None:
    before = folder_lake.write("t", "SELECT 1 AS i, 'a' AS p", connection=folder_db, partition_by="p")
    key = "1" if by == "i" else "b"
    with pytest.raises(SchemaMismatch, match=r"i INTEGER, p VARCHAR, partitioned by p"):
        folder_lake.write("t", query, connection=folder_db, partition_by=by, partitions=[key])
    with pytest.raises(SchemaMismatch):
        folder_lake.write("t", query, connection=folder_db, partition_by=by, append=True)
    assert folder_lake.version("t") == before


def test_partitions_need_a_partition_column(folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(LineageError, match="no column was named"):
        folder_lake.write("t", "SELECT 1 AS i", connection=folder_db, partitions=["1"])
    with pytest.raises(LineageError, match="rows are to be appended"):
        folder_lake.write(
            "t", "SELECT 1 AS i", connection=folder_db, partition_by="i", partitions=["1"], append=True
        )


def test_a_draft_can_be_checked_before_it_is_visible(lake: Lake, db: duckdb.DuckDBPyConnection) -> None:
    lake.write("t", "SELECT 1 AS i", connection=db)
    with lake.draft("t", "SELECT unnest([2, 3]) AS i", connection=db) as draft:
        assert db.sql(f"SELECT sum(i) FROM {draft.relation}").fetchall() == [(5,)]
        assert lake.version("t").version == 0
        committed = draft.commit({"why": "checked"})
        with pytest.raises(LineageError, match="cannot be committed any more"):
            draft.commit()
    assert lake.version("t") == committed
    assert lake.commit("t")["record"] == {"why": "checked"}


def test_a_draft_that_is_not_committed_leaves_nothing(lake: Lake, db: duckdb.DuckDBPyConnection) -> None:
    with lake.draft("t", "SELECT 1 AS i", connection=db) as draft:
        pass
    assert not lake.has("t")
    assert list(lake.storage.files(lake.table_uri("t"))) == []
    with pytest.raises(LineageError, match="a commit after the block"):
        draft.commit()


def test_a_record_can_name_the_version_it_belongs_to(lake: Lake, db: duckdb.DuckDBPyConnection) -> None:
    for _ in range(3):
        lake.write("t", "SELECT 1 AS i", connection=db, record=lambda version: {"wrote": version.version})
    assert [carried["record"] for carried in lake.commits("t")] == [{"wrote": n} for n in range(3)]
    assert [carried["record"] for carried in lake.commits("t", since=2)] == [{"wrote": 2}]
    assert lake.commits("t", since=3) == []


def test_what_does_not_exist_is_said_so(lake: Lake, db: duckdb.DuckDBPyConnection) -> None:
    assert lake.tables() == []
    assert lake.latest("t") is None
    with pytest.raises(TableNotFound, match="an empty lake"):
        lake.version("t")
    version = lake.write("t", "SELECT 1 AS i", connection=db)
    with pytest.raises(TableNotFound, match="a version from 0 to 0"):
        lake.version("t", 1)
    with pytest.raises(TableNotFound):
        lake.version("t", -1)
    with pytest.raises(TableNotFound, match="Found: t"):
        lake.versions("u")
    with pytest.raises(TableNotFound):
        lake.relation(TableVersion.from_json({**version.to_json(), "version": 9}))
    assert lake.tables() == ["t"]


def test_a_query_that_fails_says_what_duckdb_said(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.BinderException, match="absent"):
        folder_lake.write("t", "SELECT absent FROM (SELECT 1 AS i)", connection=folder_db)
    with pytest.raises(duckdb.ConversionException):
        folder_lake.write(
            "t", "SELECT CAST(s AS INTEGER) AS i FROM (VALUES ('x')) t(s)", connection=folder_db
        )
    with pytest.raises(UnnotedFile, match=r"no record would name(.|\n)*absent\.csv(.|\n)*inputs\.open_file"):
        folder_lake.write("t", "SELECT * FROM read_csv('/absent.csv')", connection=folder_db)
    assert folder_lake.tables() == []
    assert list(folder_lake.storage.files(folder_lake.table_uri("t"))) == []
