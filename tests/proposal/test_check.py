"""`recsys check`: what it says of a few rows is what loading says of them, and it leaves nothing behind."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from recsys_assets.assets.clean.reconciliation import CLEAN_OF
from recsys_assets.assets.raw.source_folder import NoFiles, SourceFolder
from recsys_assets.cli.commands import app
from recsys_assets.runs import trial
from recsys_assets.runs.trial import try_source, whole_records
from recsys_assets.shop.loaded_source import load_source
from tests.examples import examples
from tests.sql.pipeline import CLEAN, open_source, run_raw, run_sql

EVENTS = """SELECT
    moment AS event_time, who AS user_id, what AS item_id, pieces AS quantity, _file, _line
FROM read_csv('sales*.csv')"""
USERS = "SELECT who AS user_id, age AS age_group, _file, _line FROM read_csv('users.csv')"
HEADER = ("moment", "who", "what", "pieces", "note")
GOOD = ("2024-01-02 10:00:00", "u1", "i1", "2", "")


class Shop:
    """A source and its files below a folder."""

    def __init__(self, folder: Path, **sql: str) -> None:
        self.data, self.source = folder / "data", folder / "source"
        self.data.mkdir(parents=True)
        self.source.mkdir()
        for name, text in {"raw_events": EVENTS, **sql}.items():
            (self.source / f"{name}.sql").write_text(text)

    def deliver(self, name: str, *rows: tuple, header: tuple[str, ...] = HEADER) -> Path:
        path = self.data / name
        path.write_text(text_of(rows, header), newline="")
        return path

    @property
    def folder(self) -> SourceFolder:
        return SourceFolder(load_source(self.source), self.data)

    def check(self, *words: str) -> Result:
        """Run the command."""
        names = {"RECSYS_HOME": str(self.data.parent / "home"), "RECSYS_SOURCE": str(self.source),
                 "RECSYS_DATA": str(self.data)}  # fmt: skip
        return CliRunner().invoke(app, ["check", *words], env=names)

    def loaded(self) -> dict[str, tuple[int, dict[str, int]]]:
        """What loading all files gives: raw table → rows, and rows refused by reason."""
        with duckdb.connect() as con:
            open_source(con, self.folder.source, self.data)
            run_raw(con, self.folder.source)
            run_sql(con, self.folder.source, "clean", CLEAN)
            found = {}
            for raw in CLEAN_OF:
                reasons = con.execute(
                    "SELECT reason, count(*) FROM rejected_rows WHERE table_name = $t GROUP BY 1", {"t": raw}
                ).fetchall()
                found[raw] = (con.table(raw).shape[0], dict(reasons))
            return found


def text_of(rows: tuple[tuple, ...] | list[tuple], header: tuple[str, ...] = HEADER) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([header, *rows])
    return stream.getvalue()


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["2024-01-02 10:00:00", "2024-01-03", "1704103200000", "", "31.12.2024"]),
        st.sampled_from(["u1", "u2", "", "NULL"]),
        st.sampled_from(["i1", "i2", ""]),
        st.sampled_from(["1", "2.5", "1,5", "0", "-1", ""]),
        st.sampled_from(["", 'two\nlines, "quoted"']),
    ),
    max_size=8,
)


@pytest.mark.slow
@settings(deadline=None, max_examples=examples(8), suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ROWS, min_size=1, max_size=3))
def test_it_counts_as_loading_does(files: list[list[tuple]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        shop = Shop(Path(place), raw_users=USERS)
        for n, rows in enumerate(files):
            shop.deliver(f"sales{n}.csv", *rows, (f"2024-02-0{n + 1}", f"file{n}", "i", "1", ""))
        shop.deliver("users.csv", ("u1", "young"), ("", "old"), header=("who", "age"))
        tried = try_source(shop.folder)
        loaded = shop.loaded()
        assert {table.table for table in tried.tables} == {"raw_events", "raw_users"}
        for table in tried.tables:
            rows, reasons = loaded[table.table]
            assert table.read == rows
            assert {reason: refused.rows for reason, refused in table.rejected.items()} == reasons
            assert table.accepted == rows - sum(reasons.values())


@settings(deadline=None)
@given(
    st.lists(st.lists(st.text('ab,"\n é', max_size=6), min_size=2, max_size=2), min_size=1, max_size=12),
    st.data(),
)
def test_the_beginning_of_a_text_is_cut_between_records(rows: list[list[str]], data: st.DataObject) -> None:
    codec = data.draw(st.sampled_from(["utf-8", "utf-16", "utf-32"]))
    mark = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))

    def written(some: list[list[str]]) -> bytes:
        stream = io.StringIO()
        csv.writer(stream, lineterminator=mark, quoting=csv.QUOTE_ALL).writerows(some)
        return stream.getvalue().encode(codec)

    whole = written(rows)
    head = whole[: data.draw(st.integers(len(written(rows[:1])), len(whole)))]
    kept = whole_records(head)
    assert whole.startswith(kept)
    found = list(csv.reader(io.StringIO(kept.decode(codec), newline="")))
    assert found and found == rows[: len(found)]


LONG = [(f"2024-01-0{1 + n % 9}", f"u{n}", f"i{n}", "1", f'a "long"\nnote, {n}') for n in range(400)]
WRITTEN: dict[str, tuple[str, Callable[[str], bytes], str]] = {
    "text": ("sales.csv", str.encode, ""),
    "gzip": ("sales.csv.gz", lambda text: gzip.compress(text.encode()), ""),
    "utf-16": ("sales.csv", lambda text: text.encode("utf-16"), ", encoding = 'utf-16'"),
    "carriage returns": ("sales.csv", lambda text: text.replace("\n", "\r").encode(), ""),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_a_large_file_is_looked_at_in_its_first_whole_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(trial, "HEAD_BYTES", 3_001)
    name, encoded, option = WRITTEN[kind]
    shop = Shop(tmp_path / "shop", raw_events=EVENTS.replace("'sales*.csv'", f"'sales*.csv'{option}"))
    (shop.data / name).write_bytes(encoded(text_of(LONG)))
    (table,) = try_source(shop.folder).tables
    assert not table.rejected and table.accepted == table.read
    assert 20 < table.read < 200


def test_a_large_parquet_file_is_looked_at_in_its_first_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "HEAD_ROWS", 30)
    shop = Shop(
        tmp_path / "shop",
        raw_events=EVENTS.replace("read_csv('sales*.csv')", "read_parquet('sales*.parquet')"),
    )
    pl.DataFrame(LONG, schema=list(HEADER), orient="row").write_parquet(shop.data / "sales.parquet")
    (table,) = try_source(shop.folder).tables
    assert (table.read, table.accepted) == (30, 30)


def test_the_first_a_middle_and_the_last_of_many_files_are_looked_at(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop")
    for n in range(9):
        shop.deliver(f"sales{n}.csv", GOOD)
    (scan,) = try_source(shop.folder).scans
    assert scan.files == 9 and scan.looked_at == ("sales0.csv", "sales4.csv", "sales8.csv")


def test_nothing_is_written(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop")
    shop.deliver("sales.csv", GOOD)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "shop").rglob("*")}
    assert shop.check().exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "shop").rglob("*")} == before


def bad_file(shop: Shop) -> None:
    shop.deliver("sales2.csv", ("x",), header=("other",))


def no_event(shop: Shop) -> None:
    shop.deliver("sales.csv", ("1704103200000", *GOOD[1:]), ("1704103200001", *GOOD[1:]))


def casting(shop: Shop) -> None:
    text = EVENTS.replace("pieces AS quantity", "CAST(pieces AS INTEGER) AS quantity")
    (shop.source / "raw_events.sql").write_text(text)
    shop.deliver("sales.csv", GOOD, (*GOOD[:3], "a dozen", ""))


def unknown_function(shop: Shop) -> None:
    (shop.source / "raw_events.sql").write_text(EVENTS.replace("what AS", "nope(what) AS"))


def no_users(shop: Shop) -> None:
    (shop.source / "raw_users.sql").write_text(USERS)


def link_outside(shop: Shop) -> None:
    (shop.data.parent / "secret.csv").write_text((shop.data / "sales.csv").read_text())
    (shop.data / "sales2.csv").symlink_to(shop.data.parent / "secret.csv")


def link_nowhere(shop: Shop) -> None:
    (shop.data / "sales2.csv").symlink_to("gone.csv")


def bytes_as_ids(shop: Shop, who: object = b"u1", option: str = "") -> None:
    read = f"read_parquet('sales*.parquet'{option})"
    (shop.source / "raw_events.sql").write_text(EVENTS.replace("read_csv('sales*.csv')", read))
    values = [[value] for value in (GOOD[0], who, *GOOD[2:])]
    pq.write_table(pa.table(dict(zip(HEADER, values, strict=True))), shop.data / "sales.parquet")


TROUBLES: dict[str, tuple[Callable[[Shop], Any], list[str]]] = {
    "a faulty file": (bad_file, ["sales2.csv", "'moment'", "raw_events.sql:2:5"]),
    "a link that leads outside": (link_outside, ["sales2.csv", "a link that leads outside", "1 of 1 rows"]),
    "a link that leads nowhere": (link_nowhere, ["sales2.csv", "No such file", "1 of 1 rows"]),
    "no event can be read": (no_event, ["2 of 2: event time cannot be read", "to_timestamp("]),
    "a failed cast": (casting, ["sales.csv:3", "'a dozen'", "raw_events.sql:2:", "TRY_CAST"]),
    "a fault of the SQL": (unknown_function, ["nope", "raw_events.sql:2:43"]),
    "bytes for an id": (bytes_as_ids, ["user_id of raw_events holds bytes", "binary_as_string"]),
    "an id with parts": (partial(bytes_as_ids, who={"id": "u1"}), ["user_id of raw_events is nested"]),
    "bytes that are no text": (
        partial(bytes_as_ids, who=b"\xe8", option=", binary_as_string = true"),
        ["sales.parquet: Invalid string", "leave out binary_as_string", "TRY(decode(x))"],
    ),
    "a pattern without a file": (no_users, ["read_csv('users.csv'): 0 files"]),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_is_wrong_is_told_and_fails(tmp_path: Path, trouble: str) -> None:
    shop = Shop(tmp_path / "shop")
    shop.deliver("sales.csv", GOOD)
    assert shop.check().exit_code == 0
    make, told = TROUBLES[trouble]
    make(shop)
    done = shop.check()
    assert done.exit_code == 1 and "recsys demo" not in done.stdout
    said = " ".join(done.output.split())
    for words in told:
        assert words in said
    assert "Traceback" not in said and "tmp/tmp" not in said


def test_a_folder_without_a_file_of_the_source_is_refused(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop")
    with pytest.raises(NoFiles):
        try_source(shop.folder)
    assert shop.check().exit_code == 1


def test_a_target_behaviour_that_does_not_occur_is_told(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop")
    shop.deliver("sales.csv", GOOD)
    for asked, told in (
        ("purchse", "is 'purchse', and the sampled rows have purchase 1. Did you mean 'purchase'?"),
        ("Purchase", ""),
    ):
        (shop.source / "source.toml").write_text(f'target_behaviour = "{asked}"\n')
        assert try_source(shop.folder).target.removeprefix("target_behaviour of source.toml ") == told


def test_json_says_the_same(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop")
    casting(shop)
    shop.deliver("sales2.csv", GOOD, ("1704103200000", *GOOD[1:]))
    done = shop.check("--json")
    answer = json.loads(done.stdout)
    assert done.exit_code == 1 and answer["good"] is False and answer["days"] == 1
    events = answer["tables"]["raw_events"]
    assert (events["read"], events["accepted"]) == (3, 1)
    assert {reason: refused["rows"] for reason, refused in events["rejected"].items()} == {
        "event time cannot be read": 1,
        "exact duplicate": 1,
    }
    assert "/ 1000)" in events["rejected"]["event time cannot be read"]["hint"]
    assert "sales.csv:3" in events["stopped"][0]


def test_init_leads_to_check_and_check_to_the_demo(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "files")
    rows = [(f"2024-01-0{1 + n} 10:00:00", f"u{n}", f"i{n}", "1", "") for n in range(5)]
    header = ("order_date", "customer_id", "sku", "quantity", "note")
    shop.deliver("orders.csv", *rows, header=header)
    made = CliRunner().invoke(app, ["init", str(tmp_path / "made"), str(shop.data)])
    assert made.exit_code == 0, made.output
    steps = made.stdout.split("What to do next:")[1]
    assert (
        0
        < steps.index("export RECSYS_HOME=.made RECSYS_SOURCE=")
        < steps.index("recsys check")
        < steps.index("recsys demo")
    )
    shop.source = tmp_path / "made"
    done = shop.check()
    assert done.exit_code == 0, done.output
    assert "5 of 5 rows are accepted" in done.stdout and "recsys demo" in done.stdout


def test_bytes_that_are_no_text_are_refused_row_by_row_as_the_advice_says(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop")
    bytes_as_ids(shop)
    columns: list[Sequence[str | bytes]] = [[value, value] for value in GOOD]
    columns[1] = [b"u1", b"\xe8"]
    pq.write_table(pa.table(dict(zip(HEADER, columns, strict=True))), shop.data / "sales.parquet")
    sql = shop.source / "raw_events.sql"
    sql.write_text(sql.read_text().replace("who AS", "TRY(decode(who)) AS"))
    result = shop.check()
    assert result.exit_code == 0, result.output
    assert "1 of 2: missing user id, as in sales.parquet:2" in " ".join(result.output.split())


@pytest.mark.parametrize(("values", "shown"), [(299, "99% filled"), (1, "1% filled")])
def test_a_column_that_is_nearly_full_or_empty_is_not_shown_as_full_or_empty(
    values: int, shown: str, tmp_path: Path
) -> None:
    lines = [f"{n},{n % 7},2026-01-0{n % 9 + 1},{'red' if n < values else ''}" for n in range(300)]
    (tmp_path / "sales.csv").write_text("\n".join(["customer_id,sku,date,colour", *lines, ""]))
    said = CliRunner().invoke(app, ["init", str(tmp_path / "made"), str(tmp_path)], env={"COLUMNS": "200"})
    assert shown in said.output, said.output
