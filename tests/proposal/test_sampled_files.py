"""Which files belong together, and what is seen of any file."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.proposal.proposal import propose
from recsys_assets.proposal.sampled_files import common_pattern, sampled_files
from recsys_lineage.files import list_files
from tests.examples import examples
from tests.proposal.shop_files import write


def test_parquet_numbers_of_every_width_are_looked_at(tmp_path: Path) -> None:
    types = [
        pl.Int8,
        pl.Int16,
        pl.Int32,
        pl.UInt8,
        pl.UInt16,
        pl.UInt32,
        pl.UInt64,
        pl.Float32,
        pl.Decimal(38, 10),
    ]
    columns = {str(place): pl.Series([1, 2]).cast(type_) for place, type_ in enumerate(types)}
    pl.DataFrame({"user_id": ["a", "b"], "item_id": ["c", "d"], **columns}).write_parquet(
        tmp_path / "a.parquet"
    )
    ((files,), left) = sampled_files(tmp_path, ["a.parquet"])
    assert not left and [column.kind for column in files.columns[2:]] == ["number"] * len(types)


@pytest.mark.parametrize(
    ("paths", "pattern", "later"),
    [
        (["a_2024-01-30.csv", "a_2024-01-31.csv"], "a_*.csv", "a_2025-07-01.csv"),
        (["2010-12-01.csv", "2010-12-02.csv"], "*.csv", "2031-01-01.csv"),
        (["x/2024/e1.parquet", "x/2025/e2.parquet"], "x/**/e*.parquet", "x/2026/e9.parquet"),
        (["orders1.csv.gz", "orders2.csv"], "orders*.csv", "orders33.csv"),
        (["orders-1.csv"], "orders-*.csv", "orders-2.csv"),
        (["a.csv", "a.csv.gz"], "a.csv", "a.csv"),
        (["orders-1.csv.gz"], "orders-*.csv", "orders-2.csv"),
        (["day=2024-01-01/part-0.csv", "day=2024-01-02/part-0.csv"], "**/part-*.csv", "day=2024-01-03/part-1.csv"),
        (["x/2024/01/a.csv"], "x/**/a.csv", "x/2024/02/a.csv"),
    ],
)  # fmt: skip
def test_a_pattern_fits_the_files_to_come(paths: list[str], pattern: str, later: str, tmp_path: Path) -> None:
    assert common_pattern(paths) == pattern
    for path in (*paths, later):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    assert {file.path for file in list_files(tmp_path, pattern)} == {*paths, later}


@settings(max_examples=examples(60), deadline=None)
@given(
    content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode),
    start=st.sampled_from([b"", b"PAR1", b"\x1f\x8b", b"\xff\xfe", b"a,b\n1,2\n", b'user,item\n"']),
    name=st.sampled_from(["a.csv", "a.csv.gz", "a.parquet", "a.txt"]),
)
def test_any_file_is_looked_at_or_named_with_the_reason(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes, name: str
) -> None:
    root = tmp_path_factory.mktemp("odd")
    (root / name).write_bytes(start + content)
    write(root / "good.csv", ["date", "customer", "sku"], [["2024-01-13", "u", "i"]], ",", "utf-8")
    groups, left = sampled_files(root, [name, "good.csv"])
    looked_at = {path for files in groups for path in files.paths}
    assert looked_at | left.keys() == {name, "good.csv"} and not looked_at & left.keys()
    assert all(left.values()) and "good.csv" in looked_at


def test_a_very_long_field_and_a_damaged_gzip_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text("user,item\nu," + "x" * 200_000 + "\n")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"user,item\nu,i\n" * 50)[:40])
    write(tmp_path / "good.csv", ["date", "customer", "sku"], [["2024-01-13", "u", "i"]], ",", "utf-8")
    proposal = propose("Odd", [tmp_path])
    assert set(proposal.unread) <= {"long.csv", "cut.csv.gz"} and "cut.csv.gz" in proposal.unread


def test_parquet_files_whose_types_differ_are_looked_at_and_told(tmp_path: Path) -> None:
    pl.DataFrame({"user": [1], "item": [1]}).write_parquet(tmp_path / "a1.parquet")
    pl.DataFrame({"user": ["x"], "item": [1.5]}).write_parquet(tmp_path / "a2.parquet")
    (files,), left = sampled_files(tmp_path, ["a1.parquet", "a2.parquet"])
    assert not left and files.pattern == "a*.parquet" and "types" in " ".join(files.notes)
