"""`recsys show` and `recsys ls`, on a lake of a few tables."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from recsys_assets.cli import table_commands
from recsys_assets.cli.commands import app
from recsys_lineage.lake.lake import Lake

ROWS = pl.DataFrame(
    {
        "user_id": ["ann", "bob", None],
        "n": [1, 2, 3],
        "at": [datetime(2024, 1, 2, 3), None, datetime(2024, 1, 3)],
        "tags": [["a", "b"], [], None],
        "content": [b"\x00\xff" * 50, b"", None],
    }
)


@pytest.fixture(autouse=True)
def lake(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("RECSYS_HOME", str(elsewhere / "home"))
    lake = Lake(str(elsewhere / "home" / "lake"))
    lake.write_arrow("people", ROWS.head(1))
    lake.write_arrow("people", ROWS)
    return lake


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def rows_of(*words: str) -> list[dict[str, object]]:
    answer = run("show", *words, "--json")
    assert answer.exit_code == 0, answer.output
    return [json.loads(line) for line in answer.stdout.splitlines()]


def test_rows_are_chosen_by_version_condition_columns_and_number() -> None:
    assert len(rows_of("people")) == 3
    for words in (["people@0"], ["people", "--version", "0"]):
        assert [row["user_id"] for row in rows_of(*words)] == ["ann"]
    chosen = rows_of("people", "--where", "n > 1 AND user_id = 'bob'", "--columns", "N, user_id")
    assert chosen == [{"n": 2, "user_id": "bob"}]
    assert len(rows_of("people", "--limit", "2")) == 2 and len(rows_of("people", "--limit", "0")) == 3


def test_every_form_has_the_same_rows_and_no_bytes_on_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = rows_of("people")
    assert [row["content"] for row in plain] == ["<100 bytes>", "<0 bytes>", None]
    read = list(csv.DictReader(io.StringIO(run("show", "people", "--csv").stdout)))
    assert [row["user_id"] for row in read] == ["ann", "bob", ""]
    assert [row["tags"] for row in read] == ['["a", "b"]', "[]", ""]
    assert [row["content"] for row in read] == ["<100 bytes>", "<0 bytes>", ""]
    assert run("show", "people", "--parquet", str(tmp_path / "p.parquet")).exit_code == 0
    assert pl.read_parquet(tmp_path / "p.parquet").equals(
        ROWS.with_columns(pl.col("at").cast(pl.Datetime("us")))
    )
    with monkeypatch.context() as patch:
        patch.setattr(table_commands, "_SHOWN_ROWS", 2)
        assert "--limit 0 gives all" in run("show", "people", "--csv").stderr
        assert len(rows_of("people")) == 2
        assert run("show", "people", "--parquet", str(tmp_path / "q.parquet")).exit_code == 0
    assert pl.read_parquet(tmp_path / "q.parquet").height == 3, "a file has all rows where no limit is given"
    table = run("show", "people").stdout
    assert "people@1, 3 rows" in table and "<100 bytes>" in table and "2024-01-02 03:00" in table


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["peple"], "Did you mean 'people'?"),
        (["people@x"], "names no version"),
        (["people@1", "--version", "0"], "names no version"),
        (["people@7"], "has no version 7"),
        (["people", "--columns", "user"], "Did you mean 'user_id'?"),
        (["people", "--where", "nobody = 1"], "nobody"),
        (["people", "--where", "n = "], "The condition cannot be used"),
        (["people", "--where", "CAST(user_id AS INTEGER) = 1"], "The condition cannot be used"),
        (["people", "--where", "1 = 1; DROP TABLE x"], "The condition cannot be used"),
        (["people", "--where", "EXISTS (FROM read_csv('/etc/passwd'))"], "The condition cannot be used"),
        (["people", "--json", "--csv"], "choose one of"),
        (["people", "--parquet", "nowhere/p.parquet"], "there is no folder"),
    ],
)
def test_what_cannot_be_shown_is_told_in_words(words: list[str], said: str) -> None:
    answer = run("show", *words)
    assert answer.exit_code != 0 and "Traceback" not in answer.output
    assert said in " ".join(answer.output.replace("│", " ").split())


def test_the_tables_are_listed(lake: Lake) -> None:
    (listed,) = json.loads(run("ls", "--json").stdout)["tables"]
    version = lake.version("people")
    assert listed == {
        "table": "people", "version": 1, "rows": 3, "bytes": version.bytes, "partitions": None,
        "written": version.committed.isoformat(),
    }  # fmt: skip
    assert "people" in run("ls").stdout
