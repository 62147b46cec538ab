"""A secret among an asset's parameters is on record as a hash, however it is named and whatever holds it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from recsys_lineage.assets.asset_code import AssetCode
from recsys_lineage.assets.code.parameters import as_recorded, with_recorded
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.reproduction import reproduce
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.parts import withheld
from recsys_lineage.records.parts.secret_names import is_secret

SECRET = "".join(reversed("19tercesqzx"))
"""No text of this file, so that no record could hold it as a constant of the code."""
NAMES = [
    "password", "passwd", "passphrase", "passcode", "pwd", "secret", "token", "credentials", "salt", "authorization",
    "bearer", "jwt", "dsn", "cookie", "webhook", "pin", "key", "api_key", "encryption_key", "access_key_id",
    "key_bytes",
]  # fmt: skip
WRITTEN: list[Callable[[str], str]] = [
    lambda name: name,
    str.upper,
    lambda name: f"shop_{name}",
    lambda name: f"{name}_v2",
    lambda name: f"{name}2",
    lambda name: "".join(part if n == 0 else part.title() for n, part in enumerate(f"shop_{name}".split("_"))),
]  # fmt: skip


@dataclasses.dataclass
class Store:
    host: str
    password: Any


class StoreModel(BaseModel):
    host: str
    password: Any


class StoreTuple(NamedTuple):
    host: str
    password: Any


HOLDERS: list[Callable[[str, Any], Any]] = [
    lambda name, value: {name: value},
    lambda name, value: {name: [value, "other"]},
    lambda name, value: {name: ("user", value)},
    lambda name, value: {name: {"of": {"the store": value}}},
    lambda name, value: {name: {value}},
    lambda name, value: {"stores": [{"host": "db", name: value}]},
    lambda name, value: {"store": {"inner": {name: value}}},
    lambda _, value: {"store": Store("db", value)},
    lambda _, value: {"store": StoreModel(host="db", password=value)},
    lambda _, value: {"stores": [Store("db", [value])]},
    lambda _, value: {"store": StoreTuple("db", value)},
    lambda _, value: {"url": f"postgresql://shop:{value}@db/orders"},
    lambda _, value: {"urls": [f"https://shop.example/feed?format=csv&token={value}"]},
    lambda _, value: {"feed": {"at": f"ftp://shop:x@{value}@files/day.csv"}},
    lambda _, value: {"database": f"host=db user=shop password={value}"},
    lambda _, value: {"blobs": f"AccountName=shop;AccountKey={value}"},
]


@pytest.fixture(autouse=True, scope="module")
def quick_to_guess() -> Iterator[None]:
    """Hashes that are slow to guess would take most of these tests' seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(withheld, "_ROUNDS", 1)
        yield


@given(st.sampled_from(NAMES), st.sampled_from(WRITTEN), st.sampled_from(HOLDERS))
def test_no_secret_stands_in_what_records_hold(
    name: str, written: Callable[[str], str], holder: Callable[[str, Any], Any]
) -> None:
    given_values = holder(written(name), SECRET)
    recorded = as_recorded(given_values)
    text = json.dumps(recorded, ensure_ascii=False)
    assert SECRET not in text and "… (secret " in text
    read = json.loads(text)
    assert as_recorded(holder(written(name), "another")) != recorded
    assert with_recorded(given_values, read) == given_values
    with pytest.raises(LineageError, match="differs from the secret"):
        with_recorded(holder(written(name), "another"), read)


@given(st.sampled_from(NAMES), st.sampled_from(WRITTEN), st.integers(10_000_000, 99_999_999))
def test_a_number_is_a_secret_too(name: str, written: Callable[[str], str], number: int) -> None:
    assert str(number) not in json.dumps(as_recorded({written(name): number, "n": {written(name): [number]}}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tokens", 512), ("token_count", 3), ("first_pass", True), ("token", None), ("password", ""),
        ("keys", ["user_id"]), ("sort_keys", ["day"]), ("monkey", "x"), ("keyboard", "x"), ("keys_of_groups", 3),
        ("passing", "x"), ("author", "x"), ("spinning", 1), ("url", "https://shop.example/a?page=2"),
        ("url", "ftp://shop@files/day.csv"), ("sql", "SELECT a FROM b WHERE a = b"),
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(name: str, value: Any) -> None:
    assert as_recorded({name: value}) == {name: value}


def test_other_values_beside_a_secret_may_be_set_again() -> None:
    now = {"store": {"host": "db", "password": SECRET, "retries": 3}}
    recorded = as_recorded({"store": {**now["store"], "retries": 5}})
    assert with_recorded(now, recorded) == {"store": {**now["store"], "retries": 5}}


def test_names_are_read_as_words() -> None:
    assert is_secret("apiKey") and is_secret("APIKey") and is_secret("hash_key_v2") and is_secret("keyId")
    assert is_secret("pin_number", 1234)
    assert not is_secret("key_column") and not is_secret("turkey") and not is_secret("compass")


def counted(store: Any) -> pl.DataFrame:
    held = store.password if isinstance(store, Store | StoreModel) else store["password"]
    return pl.DataFrame({"letters": [len(str(held))]})


@pytest.mark.parametrize(
    "holder", [Store, lambda host, password: StoreModel(host=host, password=password), dict]
)
def test_a_record_has_it_as_a_hash_and_the_code_gets_it(tmp_path: Path, holder: Callable[..., Any]) -> None:
    lake = Lake(str(tmp_path / "lake"), Engine(threads=1))

    def asset(secret: str) -> AssetCode:
        return frame_code(counted, parameters={"store": holder(host="db", password=secret)})

    record = materialize(asset(SECRET), lake).record
    assert lake.arrow(lake.version("counted"))["letters"].to_pylist() == [len(SECRET)]
    written = "".join(path.read_text() for path in Path(lake.uri).rglob("_delta_log/*.json"))
    assert SECRET not in json.dumps(record.to_json()) and SECRET not in written
    assert record.parameters["store"]["host"] == "db"
    assert asset("another").code_version != asset(SECRET).code_version
    assert reproduce(lake, asset(SECRET)).identical
    with pytest.raises(LineageError, match="differs from the secret"):
        reproduce(lake, asset("another"))
