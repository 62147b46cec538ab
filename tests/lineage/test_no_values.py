"""No value of a row and no environment variable stands in anything that is written beside the tables."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Callable, Generator, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from typer.testing import CliRunner

from recsys_lineage.cli.commands import app
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.client_settings import ClientSettings, TransportSettings
from recsys_lineage.openlineage.delivery.delivery import Delivery
from recsys_lineage.openlineage.destinations.opening import opened
from recsys_lineage.openlineage.translation.stream import Stream
from recsys_lineage.records.parts.failure import Failure
from recsys_lineage.records.records import Records
from recsys_lineage.sql.names import quote
from tests.lineage import no_values_project
from tests.lineage.delivery.sink import Behaviour, Sink, refuse

ROWS = ("zqxkunde417@example.org", 'Wvjosef O\'Zqbrien "Xqjoe"', "Qzvplain")
SECRET = "Xzqsecret91"
RUN = """
import json, sys
import dagster as dg
from tests.lineage import no_values_project
with dg.DagsterInstance.local_temp(sys.argv[1]) as instance:
    result = dg.execute_job(dg.reconstructable(no_values_project.job), instance, raise_on_error=False)
    assert not result.success
    print(json.dumps([event.step_key for event in result.all_events if event.is_step_failure]))
"""
CANARIES = ("zqxkunde", "Wvjosef", "Zqbrien", "Xqjoe", "Qzvplain", SECRET)


def written(folder: Path, lake: Lake) -> Iterator[tuple[str, bytes]]:
    """Everything that was written except the tables' rows: (where, bytes), text of databases unpacked."""
    for record in Records(lake).read()[0]:
        yield f"record of {record.asset}", json.dumps(record.to_json(), ensure_ascii=False).encode()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        if path.suffix == ".parquet":
            continue
        yield str(path.relative_to(folder)), path.read_bytes()
        if path.suffix == ".db":
            with sqlite3.connect(path) as database:
                for (table,) in database.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table'"
                ).fetchall():
                    for row in database.execute(f'SELECT * FROM "{table}"'):
                        for cell in row:
                            yield f"{path.name}:{table}", _bytes(cell)


class _Echo(Sink):
    """A catalog that refuses every other event and says back what it was told."""

    def take(self, body: bytes) -> tuple[str, Behaviour]:
        id_, taken = super().take(body)
        return id_, taken if len(self.asked) % 2 else refuse(400, body.decode())


def _refused(lake: Lake, folder: Path) -> list[dict[str, Any]]:
    """Send the events of a lake to a catalog that refuses half of them; what was set aside."""
    with _Echo() as sink:
        to = TransportSettings("catalog", "http", {"url": sink.url, "timeout": 5.0}, "test")
        delivery = Delivery(
            lake, Stream(lake), folder, lambda again: opened(ClientSettings((to,)), folder, again=again)
        )
        (done,) = delivery.send()
    letters = [letter.to_json() for letter in delivery.dead_letters()]
    assert done.set_aside == len(letters) > 5
    return letters


def _bytes(cell: object) -> bytes:
    if not isinstance(cell, bytes):
        return str(cell).encode()
    try:
        return zlib.decompress(cell)
    except zlib.error:
        return cell


@pytest.mark.slow
def test_nothing_planted_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, home = tmp_path / "planted.txt", tmp_path / "written"
    rows.write_text("\n".join(ROWS))
    (home / "dagster").mkdir(parents=True)
    monkeypatch.setenv("PLANTED_ROWS", str(rows))
    monkeypatch.setenv("PLANTED_SECRET", SECRET)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("PLANTED_LAKE", str(home / "lake"))
    # in a process of its own: a fork server that another test has started keeps the environment of then
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(home / "dagster")], stdout=subprocess.PIPE, text=True
    )
    failed = set(json.loads(done.stdout.splitlines()[-1]))
    assert failed == {asset.key.to_user_string() for asset in no_values_project.FAILING}
    lake = Lake(str(home / "lake"))
    assert {r.asset for r in Records(lake).read()[0] if r.status == "failed"} == failed
    shown = Records(lake).latest("shown")
    assert (
        shown is not None and str(shown.observed).startswith("sha256:") and shown.takes["people"] != ROWS[0]
    )
    events = home / "events.json"
    told = CliRunner().invoke(app, ["--lake", lake.uri, "openlineage", "export", str(events)])
    assert told.exit_code == 0 and failed <= {
        json.loads(line)["job"]["name"].rpartition(".")[2] for line in events.read_text().splitlines()
    }
    letters = _refused(lake, home / "openlineage")
    assert {letter["status"] for letter in letters} == {400}
    queue = [("dead letter", json.dumps(letter, ensure_ascii=False).encode()) for letter in letters]
    found = {
        (canary, where)
        for where, content in (*written(home, lake), *queue)
        for canary in CANARIES
        if canary.encode() in content
    }
    assert not found


def _sql(text: str) -> None:
    duckdb.connect().execute("SELECT $1::INTEGER", [text])


def _generator(text: str) -> None:
    def waits() -> Generator[None, None, None]:
        yield

    waiting = waits()
    next(waiting)
    waiting.throw(ValueError(text))


def _raised(error: BaseException) -> None:
    raise error


def _copied(text: str, **options: Any) -> object:
    return pa_csv.read_csv(io.BytesIO(f"a,b\n1,2\n{text},3,4".encode()), **options)


NATIVE: list[Callable[[str], object]] = [
    lambda v: duckdb.connect().execute(f"FROM {quote(v)}"),
    lambda v: duckdb.connect().execute(f"SELECT {quote(v)}(1)"),
    lambda v: duckdb.connect().execute(f"SELECT 1::{quote(v)}"),
    lambda v: duckdb.connect().execute(f"PRAGMA {quote(v)}"),
    lambda v: duckdb.connect().execute(f"SELECT 'a' COLLATE {quote(v)}"),
    lambda v: duckdb.connect().execute(v),
    lambda v: duckdb.connect().execute("SELECT format($1, 1)", ["{" + v + "}"]).fetchall(),
    lambda v: duckdb.connect().execute("SELECT strptime($1, '%Y')", [v]).fetchall(),
    lambda v: duckdb.connect().execute("SELECT json($1)", [v]).fetchall(),
    lambda v: sqlite3.connect(":memory:").execute(f"SELECT * FROM {quote(v)}"),
    lambda v: pl.DataFrame({"a": [{"b": 1}]}).select(pl.col("a").struct.field(v)),
    lambda v: pl.DataFrame({"a": [1]}).select(v),
    lambda v: pl.DataFrame({"a": [1]})[v],
    lambda v: pl.scan_parquet(v).collect(),
    lambda v: pl.Series([v]).str.to_date("%Y"),
    lambda v: pl.Series([v]).cast(pl.Enum(["a"])),
    lambda v: pl.sql(f"SELECT * FROM {quote(v)}", eager=True),
    lambda v: np.zeros(1, [("a", int)])[v],
    lambda v: np.dtype(v),
    lambda v: np.array([v]).astype(int),
    lambda v: pa.array([v]).cast(pa.int64()),
    lambda v: pa.array([1, v]),
    lambda v: pa.table({"a": [1]}).column(v),
    lambda v: pa.array([v]).cast(pa.date32()),
    _copied,
    lambda v: pd.to_numeric(pd.Series([v])),
    lambda v: pd.to_datetime([v]),
    lambda v: pd.DataFrame({"a": [1]})[v],
    lambda v: pd.DataFrame({"a": [1]}).query(v),
    lambda v: pd.Timestamp(v),
    lambda v: TypeAdapter(int).validate_python(v),
    lambda v: TypeAdapter(int).validate_json(v),
    lambda v: Decimal(v),
    lambda v: date.fromisoformat(v),
    lambda v: datetime.strptime(v, "%Y"),
    lambda v: json.loads(v),
    lambda v: "".encode(v.replace("\0", "")),
    lambda v: re.compile("(" + v),
    lambda v: Path(v.replace("\0", "")).read_text(),
    lambda v: getattr("", v),
    lambda v: eval(v),
]
"""Ways in which code that is not Python tells a value."""
WAYS: list[Callable[[str], object]] = [
    lambda v: _raised(ValueError(f"customer {v} is wrong")),
    lambda v: _raised(ValueError("customer %s" % v)),  # noqa: UP031
    lambda v: _raised(ValueError("customer " + v)),
    lambda v: _raised(ValueError("customer {}".format(v))),  # noqa: UP032
    lambda v: _raised(KeyError(v)),
    lambda v: _raised(ValueError(v.encode())),
    lambda v: _raised(LineageError(v, where=v, expected=v)),
    lambda v: {}[v],
    lambda v: {}[(v, 1)],
    lambda v: int(v + "x"),
    lambda v: float(v + "x"),
    _sql,
    _generator,
    lambda v: pl.Series("a", [v + "x"]).cast(pl.Int64),
    lambda v: pl.Series("a", [v]).map_elements(lambda cell: _raised(ValueError(cell)), return_dtype=pl.Int64),
    lambda v: duckdb.connect().execute("SELECT error($1)", [v]).fetchall(),
    lambda v: exec(f"raise ValueError({v!r})"),
    lambda v: exec(compile("raise ValueError", v.replace("\0", ""), "exec")),
    lambda v: _raised(type(v, (ValueError,), {})(v)),
    *NATIVE,
]
VALUES = st.text(st.sampled_from("zqxwvjк'\"`: \\."), min_size=6, max_size=30).filter(
    lambda text: sum(letter in "zqxwvjк" for letter in text) >= 5
)


@pytest.mark.filterwarnings("ignore")
@given(VALUES, st.sampled_from(WAYS))
def test_no_message_keeps_a_value(value: str, way: Callable[[str], object]) -> None:
    _expect_nothing_of(value, way)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", WAYS)
def test_no_message_keeps_a_name(way: Callable[[str], object]) -> None:
    _expect_nothing_of("zqxwvj", way)


def _expect_nothing_of(value: str, way: Callable[[str], object]) -> None:
    try:
        way(value)
    except Exception as error:
        failure = Failure.of(error, "SELECT error(customer)", {"customer"})
        kept = json.dumps(failure.to_json(), ensure_ascii=False)
        words = [
            word for word in "".join(c if c in "zqxwvjк" else " " for c in value).split() if len(word) > 3
        ]
        assert value not in failure.message and not [word for word in words if word in kept.lower()]
