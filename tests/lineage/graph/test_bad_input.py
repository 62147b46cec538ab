"""Bad input: whatever is asked of whatever lake, an error says what is wrong, expected, found, and where,
and what to do next."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from recsys_lineage.cli.commands import app
from recsys_lineage.retention.policy import Policy
from recsys_lineage.retention.prune import prune
from tests.lineage.graph.bad_input import questions
from tests.lineage.graph.shop import Shop
from tests.lineage.graph.test_commands import FOUND, answer

PARTS = ("what", "expected", "found", "where", "advice")


def error_of(said: Result) -> dict[str, Any]:
    """The error of a command with --json, which failed as one that was made for people."""
    assert said.exit_code in (1, 2), said.output
    assert said.exception is None or isinstance(said.exception, SystemExit), said.exception
    assert "Traceback" not in said.output
    error = json.loads(said.stdout)["error"]
    assert [part for part in PARTS if not error[part]] == [], error
    return error


@pytest.mark.sampled(3)
@pytest.mark.parametrize("words", questions(), ids=" ".join)
def test_words_that_name_nothing_are_answered_with_a_way_out(seen: Shop, words: list[str]) -> None:
    error_of(answer(seen, *words, "--json"))


@pytest.mark.parametrize(
    "words", [["upstream", "orders@77"], ["rows", "shops", "shop=zzz"], ["asof", "soon"]], ids=str
)
def test_without_json_the_same_stands_on_stderr(seen: Shop, words: list[str]) -> None:
    error, said = error_of(answer(seen, *words, "--json")), answer(seen, *words)
    assert said.exit_code in (1, 2) and not said.stdout
    for part, label in zip(PARTS, ("", "Expected: ", "Found: ", "Where: ", "What to do: "), strict=True):
        assert label + error[part] in said.stderr


def test_a_row_that_is_not_there_is_named_as_it_was_asked_for(seen: Shop) -> None:
    error = error_of(answer(seen, "rows", "shops", "shop=zzz", "--json"))
    assert "shop=zzz" in error["expected"] and error["found"] == "no such row"


@pytest.mark.parametrize("command", FOUND)
def test_a_lake_that_is_none_is_told_by_every_command(tmp_path: Path, command: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("no lake")
    for name in ("missing", "empty", "file"):
        said = CliRunner().invoke(app, ["--lake", str(tmp_path / name), command, *FOUND[command], "--json"])
        assert name in error_of(said)["where"]


def test_a_source_file_that_is_not_what_it_was_is_told(shop: Shop) -> None:
    asked = ["rows", "orders", "id=1", "--files", "/", "--json"]
    whole = shop.file.read_text()
    assert answer(shop, *asked).exit_code == 0
    for text in (whole.replace("2.5", "2.6"), whole[:-4], None):
        if text is None:
            shop.file.unlink()
        else:
            shop.file.write_text(text)
        error = error_of(answer(shop, *asked))
        assert str(shop.file) in error["where"] and "sha256" in error["expected"]
    shop.file.mkdir()
    assert str(shop.file) in error_of(answer(shop, *asked))["where"]


def test_rows_whose_files_are_gone_are_told_and_the_records_still_answer(shop: Shop) -> None:
    later = datetime.now(timezone.utc) + timedelta(days=900)
    assert prune(shop.lake, lambda _: Policy(1), now=later, grace=timedelta(0)).files
    assert "pruned" in error_of(answer(shop, "rows", "orders@0", "id=1", "--json"))["what"]
    assert answer(shop, "upstream", "orders@0", "--json").exit_code == 0
    for file in Path(shop.lake.uri, "orders").rglob("*.parquet"):  # by hand
        if "_delta_log" not in file.parts:
            file.unlink()
    assert "orders" in str(error_of(answer(shop, "rows", "orders", "id=1", "--json")))
