"""What was given to the engine is on record as far as it is code; values that come from data are not kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recsys_lineage.assets.asset_code import AssetCode, Output, Query, Request
from recsys_lineage.assets.code.parameters import Named
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.options import Option
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.reproduction import reproduce
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.rows.back import trace_back
from recsys_lineage.sql.sql_text import SqlText

CELLS = ["".join(reversed("gro.elpmaxe@ednukxqz")), "".join(reversed("71432")) * 2]
"""Cells that no text of this file says."""
SECRET = "".join(reversed("19tercesqzx"))
KEYED = "SELECT sha256($hash_key || customer) AS customer, $rate AS rate FROM people"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"), Engine(threads=1))
    lake.write_arrow("people", pl.DataFrame({"customer": CELLS}))
    return lake


def pasted(inputs: Inputs) -> Output:
    """Cells in every place of a statement where code can put one."""
    text, number = inputs.frame("people")["customer"].to_list()
    inputs.view("people")
    sql = f"SELECT customer, '{text}' AS a, {number} AS b, 'plain' AS c, 12 AS d FROM people WHERE $day > $limit"
    values = {"limit": 5, "day": "2024-02-01", "all": [text, 12], "by": {text: 5}, "one": int(number)}
    return Output(Query(sql.replace("$day > $limit", "list_contains($all, customer) OR $one > $limit OR $by IS NULL"
                                    " OR $day IS NULL"), {**values, "all": [text, number]}))  # fmt: skip


def keyed(secret: str) -> AssetCode:
    return sql_code(SqlText(KEYED, "keyed.sql"), name="keyed", parameters={"hash_key": secret, "rate": 3})


def test_cells_in_parameters_and_literals_are_not_kept_and_code_is(lake: Lake) -> None:
    statement = materialize(frame_code(pasted, reads=["people"]), lake).record.statement
    assert statement is not None
    assert statement.text.startswith("SELECT customer, '…' AS a, '…' AS b, 'plain' AS c, 12 AS d FROM people")
    assert statement.parameters == {
        "limit": 5,
        "day": "2024-02-01",
        "all": "… (list of 2 str)",
        "by": "… (1 names and values)",
        "one": "… (int)",
    }
    written = "".join(path.read_text() for path in Path(lake.uri).rglob("_delta_log/*.json"))
    assert not [cell for cell in CELLS if cell in written]


def test_a_trace_says_that_it_cannot_run_such_a_statement_again(lake: Lake) -> None:
    materialize(frame_code(pasted, reads=["people"]), lake)
    found = trace_back(lake, "pasted", {"customer": CELLS[0]})
    assert "values that its record does not keep" in str(found)


def test_a_secret_is_told_by_a_hash_and_a_run_with_another_one_is_refused(lake: Lake) -> None:
    record = materialize(keyed(SECRET), lake).record
    assert record.statement is not None and record.statement.parameters == record.parameters
    assert record.parameters["rate"] == 3 and record.parameters["hash_key"].startswith("… (secret ")
    assert SECRET not in json.dumps(record.to_json())
    assert reproduce(lake, keyed(SECRET)).identical
    assert keyed("another").code_version != keyed(SECRET).code_version
    with pytest.raises(LineageError, match="differs from the secret"):
        reproduce(lake, keyed("another"))


def test_a_named_value_is_told_by_its_name(lake: Lake) -> None:
    def asset(value: Any) -> AssetCode:
        text = SqlText("SELECT customer, customer = $who AS is_tester FROM people", "tested.sql")
        return sql_code(text, name="tested", parameters={"who": Named("the tester", value)})

    record = materialize(asset(CELLS[0]), lake).record
    assert record.parameters == {"who": "the tester"} and CELLS[0] not in json.dumps(record.to_json())
    assert lake.version("tested").rows == 2 and reproduce(lake, asset(CELLS[0])).identical


def test_a_secret_inside_a_parameter_is_told_by_a_hash_too(lake: Lake) -> None:
    def counted(store: dict[str, str]) -> pl.DataFrame:
        return pl.DataFrame({"letters": [len(store["password"])], "host": [store["host"]]})

    def asset(secret: str) -> AssetCode:
        return frame_code(counted, parameters={"store": {"host": "db", "password": secret}})

    record = materialize(asset(SECRET), lake).record
    assert record.parameters["store"]["host"] == "db" and SECRET not in json.dumps(record.to_json())
    assert reproduce(lake, asset(SECRET)).identical
    with pytest.raises(LineageError, match="differs from the secret"):
        reproduce(lake, asset("another"))


def test_a_secret_that_a_run_sets_is_told_by_a_hash_too(lake: Lake) -> None:
    def counted() -> pl.DataFrame:
        return pl.DataFrame({"n": [1]})

    options = {"token": Option(str, "none", "of the store")}
    asset = frame_code(counted, options=options, observe=lambda: "seen")
    record = materialize(asset, lake, Request(options={"token": SECRET})).record
    assert str(record.parameters["token"]).startswith("… (secret ") and SECRET not in json.dumps(
        record.to_json()
    )
