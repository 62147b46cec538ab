"""Secrets and personal values that stand where they should not never leave in an event."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.openlineage.translation.asset_description import AssetDescription
from recsys_lineage.openlineage.translation.event_json import body_of
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.events import events
from recsys_lineage.openlineage.translation.shown_values import shown_value
from recsys_lineage.openlineage.translation.stream import Stream
from recsys_lineage.records.materialization import (
    Code,
    ScannedFiles,
    Statement,
    TrainingData,
    Written,
    WrittenColumn,
    WrittenPartition,
)
from recsys_lineage.records.parts.failure import Failure
from recsys_lineage.records.parts.read import Read
from recsys_lineage.records.parts.run import Run
from recsys_lineage.records.parts.url_secrets import HIDDEN, without_secrets
from recsys_lineage.records.run_record import RunRecord
from tests.lineage.openlineage.made_events import BEGAN
from tests.lineage.records.made_records import record

PLANTED = "hunter2-PLANTED"
URL = f"https://ann:{PLANTED}@shop.example/x.csv?token={PLANTED}&a=1"
STORE = f"s3://ann:{PLANTED}@bucket/lake"
DESCRIBED = EventOptions(
    repository=f"https://ann:{PLANTED}@github.com/shop/data.git",
    assets={"orders": AssetDescription(f"Made of {URL}", columns={"a": f"from {URL}"})},
)
RECORD = replace(
    record("orders", status="success", version=3, rows=2, lake=STORE),
    code=Code("sql", f"SELECT * FROM read_csv('{URL}')", "sql/orders.sql"),
    statement=Statement("SELECT 1", relations={"r": ScannedFiles("read_csv('*.csv')", STORE, 1)}),
    reads=(Read("file", "a.csv", "f", root=STORE), Read("table", "other", "f", version=1), Read("file", URL, "f")),
    schema=(Column("a", "VARCHAR"), Column("country", "VARCHAR")),
    parameters={
        "password": PLANTED, "api_key": PLANTED, "hash_salt": PLANTED, "key": PLANTED, "url": URL,
        "store": {"secret_token": PLANTED, "place": STORE}, "urls": [URL],
    },
    statistics={"params": {"auth": PLANTED}},
    trained_on=(TrainingData("split", 1, "TRUE", 3),),
    failure=Failure("ValueError", f"cannot open {URL}", (f"{URL}:3 in f",)),
    written=Written(
        5, 1, "country", {PLANTED: WrittenPartition(1, 2, "f", 1)}, columns={"a": WrittenColumn(3, 1)}
    ),
    partitions=(PLANTED,),
    column_tags={"a": ("pii",), "country": ("pii",)},
    git_commit="c0ffee",
)  # fmt: skip


def test_what_is_planted_in_a_record_does_not_leave() -> None:
    bodies = [body_of(event) for event in events(RECORD, DESCRIBED)]
    assert len(bodies) == 2
    for body in bodies:
        assert PLANTED.encode() not in body, body[body.index(PLANTED.encode()) - 200 :][:400]
        assert json.loads(body)
    assert HIDDEN.encode() in bodies[0]


def test_tags_that_people_give_a_run_do_not_leave() -> None:
    run = RunRecord("r", "success", BEGAN, BEGAN + timedelta(1), Run("r", "nightly"), {"token": PLANTED})
    assert all(PLANTED.encode() not in body_of(event) for event in events(run))


def test_no_smallest_or_largest_value_is_told() -> None:
    (output,) = events(RECORD, DESCRIBED)[-1]["outputs"]
    metrics = output["facets"]["dataQualityMetrics"]["columnMetrics"]
    assert metrics == {"a": {"nullCount": 1}}


@given(
    st.sampled_from(["password", "db_password", "secret", "TOKEN", "key", "api_key", "salt", "auth_header"])
)
def test_parameters_named_like_secrets_are_hidden(name: str) -> None:
    assert shown_value(name, PLANTED) == HIDDEN
    assert shown_value("outer", {name: [PLANTED]}) == {name: HIDDEN}


def test_other_parameters_and_texts_stay() -> None:
    assert shown_value("keys_of_groups", 3) == 3 and shown_value("monkey", "x") == "x"
    assert without_secrets("SELECT a@b FROM 'x'") == "SELECT a@b FROM 'x'"


VISITS = pl.DataFrame({"customer": [PLANTED, "other"], "shop": ["north", "south"]})


def by_customer() -> Output:
    return Output(VISITS, partition_by="customer")


def by_shop() -> Output:
    return Output(VISITS, partition_by="shop")


def of_one_customer(inputs: Inputs) -> Output:
    return Output(inputs.frame("by_customer", ["shop"], [VISITS["customer"][0]]))


def of_one_shop(inputs: Inputs) -> Output:
    return Output(inputs.frame("by_shop", ["shop"], ["north"]))


def test_a_partition_that_is_a_customer_stands_in_no_event_of_who_reads_it(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), Engine(threads=1))
    columns, cleared = {"customer": "whose [pii, person]", "shop": "where"}, {"pii": "a test"}
    for function in (by_customer, by_shop):
        materialize(frame_code(function, columns=columns, cleared=cleared), lake)
    for function, partition in ((of_one_customer, PLANTED), (of_one_shop, "north")):
        reads = (function.__name__.replace("of_one", "by"),)
        record = materialize(frame_code(function, reads=reads, cleared=cleared), lake).record
        assert record.reads[0].partitions == (partition,)
    told = b"".join(message.body for message in Stream(lake).after(None)).decode()
    assert PLANTED not in told
    assert '"identifier":"north"' in told, "what is no personal data is told"
