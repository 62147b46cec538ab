"""Which files belong together, and what is seen of any file."""

from __future__ import annotations

import fnmatch
import gzip
from datetime import datetime, timedelta
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.proposal.proposal import propose
from recsys_assets.proposal.sample import sniffed_dialects
from recsys_assets.proposal.sample.sampled_column import sampled_column
from recsys_assets.proposal.sample.sampled_files import common_pattern, sampled_files
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
        (["items-2024-01-01-2024-03-01.csv"], "items-*.csv", "items-2024-03-01-2024-04-01.csv"),
        (["orders.csv"], "orders.csv", "orders.csv"),
        ([f"o/part-0000{n}-{uuid5(NAMESPACE_URL, 'a')}-c000.csv" for n in (0, 1)], "o/part-*.csv",
         f"o/part-00000-{uuid5(NAMESPACE_URL, 'b')}-c000.csv"),
        ([f"[a]{uuid5(NAMESPACE_URL, 'a')}.csv"], "[[]a]*.csv", "[a]b.csv"),
    ],
)  # fmt: skip
def test_a_pattern_fits_the_files_to_come(paths: list[str], pattern: str, later: str, tmp_path: Path) -> None:
    assert common_pattern(paths) == pattern
    for path in (*paths, later):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    assert {file.path for file in list_files(tmp_path, pattern)} == {*paths, later}


NAMES = {
    "day": "orders-{0:%Y-%m-%d}.csv",
    "day without signs": "orders{0:%Y%m%d}.csv",
    "day of Europe": "Umsätze {0:%d.%m.%Y}.csv",
    "month": "orders_{0:%Y-%m}.csv",
    "month first": "{0:%Y-%m} orders.csv",
    "month of a year": "orders {0:%m-%Y}.csv",
    "day of Europe first": "{0:%d-%m-%Y} sales.csv",
    "day in the middle": "export_{0:%Y%m%d}_final.csv",
    "parts of a day": "{0:%Y-%m-%d}_part{1}.csv",
    "month in the middle": "export_{0:%Y-%m}_final.csv.gz",
    "month's name": "Sales {0:%B} {0:%Y}.csv",
    "month's short name": "sales-{0:%b}-{0:%Y}.csv",
    "week": "orders-{0:%Y}-W{0:%V}.csv",
    "half of a year": "orders-{0:%Y}-H{1}.csv",
    "quarter": "orders-{0:%Y}-Q{1}.csv",
    "hour": "orders-{0:%Y-%m-%dT%H}.csv",
    "clock": "orders-export-{0:%Y-%m-%d-%H-%M-%S}.csv",
    "clock of UTC": "orders-{0:%Y%m%dT%H%M%S}Z.jsonl",
    "range": "items-{0:%Y-%m-%d}-{2:%Y-%m-%d}.csv",
    "range in the middle": "items_{0:%Y-%m-%d}_{2:%Y-%m-%d}_all.csv",
    "range of months": "items-{0:%Y%m}-{2:%Y%m}.csv",
    "id": "{3}.csv",
    "id behind a clock": "orders-1-{0:%Y-%m-%d-%H-%M-%S}-{3}.csv.gz",
    "part of a job": "part-0000{1}-{3}-c000.snappy.parquet",
    "part of another job": "{0:%Y%m%d}_{3}_0_{1}_0.parquet",
}
"""How shops name the files of a time; {1} is a number of the year's parts, {2} the time's end, {3} a random id."""


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@settings(max_examples=examples(30), deadline=None)
@given(
    times=st.lists(
        st.datetimes(datetime(2000, 1, 1), datetime(2098, 1, 1)), min_size=2, max_size=4, unique=True
    )
)
def test_the_pattern_of_some_files_fits_those_of_all_other_times(name: str, times: list[datetime]) -> None:
    *known, later = (
        name.format(
            time, 1 + time.month % 2, time + timedelta(days=31 + time.day), uuid5(NAMESPACE_URL, f"{time}")
        )
        for time in times
    )
    assert fnmatch.fnmatchcase(later.removesuffix(".gz"), common_pattern(known)), known


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


def test_files_that_begin_alike_are_sniffed_once_and_those_that_are_written_otherwise_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = "customer_id;sku;title;qty\n"
    for day in range(1, 9):
        (tmp_path / f"{day}.csv").write_text(head + f"c{day};s{day};plain;1\n" * 9)
    (tmp_path / "old").mkdir()
    (tmp_path / "old/orders.csv").write_text(head + "c9;s9;'one; two';1\n" * 9)
    (tmp_path / "by-tab.csv").write_text("customer_id\tsku\tqty\n" + "c;s\ts\t1\n" * 9)
    sniffed: list[str] = []
    true = sniffed_dialects._sniffed
    monkeypatch.setattr(sniffed_dialects, "_sniffed", lambda text: (sniffed.append(text), true(text))[1])
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.csv"))
    found, left = sampled_files(tmp_path, names)
    assert len(sniffed) == 3 and not left
    alone = {name: sampled_files(tmp_path, [name])[0][0] for name in names}
    for files in found:
        assert all(alone[name].options == files.options for name in files.paths)


def test_numbers_are_moments_where_their_column_is_named_so_or_nothing_speaks_against_it(
    tmp_path: Path,
) -> None:
    codes = [2_000_000_000 + number for number in range(20)]
    times = [1_700_000_000 + 977 * number for number in range(20)]
    barcodes = [2_000_000_000_015 + 7_919 * number for number in range(20)]
    days = [202401310001 + number for number in range(20)]
    columns = {
        "Order ID": codes, "cart number": codes, "cartNo": times, "phone": times,
        "ean": barcodes, "basket code": barcodes, "invoice no": days,
        "row": [1_500_000_000 + number for number in range(20)], "when": times, "ts": codes, "timestamp": barcodes,
    }  # fmt: skip
    frame = pl.DataFrame(columns)
    for path in (tmp_path / "a.csv", tmp_path / "a.parquet"):
        frame.write_csv(path) if path.suffix == ".csv" else frame.write_parquet(path)
        ((files,), _) = sampled_files(tmp_path, [path.name])
        kinds = {column.name: column.kind for column in files.columns}
        assert {name for name, kind in kinds.items() if kind == "number"} == {*frame.columns[:8]}
        assert {name for name, kind in kinds.items() if kind == "epoch"} == {*frame.columns[8:]}
    for name in ("OrderDateKey", "time_id", "Day No"):
        assert sampled_column(pl.Series(name, [f"202401{day}" for day in range(10, 30)])).kind == "day"
