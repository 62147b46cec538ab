"""Parts of files that killed writers left in an object store: a prune aborts them, and no living writer's."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from recsys_lineage.lake.commits.write_marker import WriteMarker
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.stores.object_store import ObjectStore
from recsys_lineage.lake.stores.storage import Storage, UnfinishedUpload
from recsys_lineage.retention.policy import Policy
from recsys_lineage.retention.prune import TablePrune, plan_prune, prune
from tests.lineage.processes import BESIDE
from tests.lineage.retention.conftest import ENGINE, Nights
from tests.lineage.retention.test_prune import write

DEAD, ALIVE = "0" * 16, "1" * 16


@pytest.fixture
def s3_lake(s3_uri: str) -> Lake:
    """A lake on S3 with one table."""
    lake = Lake(s3_uri, ENGINE)
    write(lake, "whole", 1)
    return lake


@pytest.fixture
def client(s3_access: None) -> Any:
    """Another program's client of the same server."""
    return boto3.client("s3")


def policy(_: str) -> Policy:
    return Policy(2)


def key(url: str) -> str:
    return url.removeprefix("s3://lake/")


def unfinished(client: Any, lake: Lake) -> set[str]:
    """The uploads below the lake, as the server lists them."""
    prefix = key(lake.uri) + "/"
    found = client.list_multipart_uploads(Bucket="lake", Prefix=prefix).get("Uploads", [])
    return {each["Key"].removeprefix(prefix) for each in found}


def by_table(tables: list[TablePrune]) -> dict[str, set[str]]:
    return {table.table: {upload.path for upload in table.uploads} for table in tables if table.uploads}


def _die_while_uploading(uri: str, name: str, aws: Mapping[str, str]) -> None:
    os.environ.update(aws)
    file = Lake(uri, ENGINE).storage.filesystem.open(f"{uri}/whole/{name}", "wb", block_size=5 << 20)
    file.write(b"x" * (11 << 20))  # pyright: ignore[reportArgumentType]
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_what_a_killed_writer_had_begun_to_upload_goes(
    s3_lake: Lake, client: Any, aws: dict[str, str]
) -> None:
    name = f"part-{DEAD}-0.parquet"
    writer = BESIDE.Process(target=_die_while_uploading, args=(s3_lake.uri, name, aws))
    writer.start()
    writer.join()
    assert writer.exitcode == -signal.SIGKILL and unfinished(client, s3_lake) == {f"whole/{name}"}
    now = s3_lake.clock()
    plan = plan_prune(s3_lake, policy, now=now)
    assert by_table([*plan.tables]) == {"whole": {name}} and plan.unlisted is None
    assert unfinished(client, s3_lake) == {f"whole/{name}"}, "a dry run aborts nothing"
    done = prune(s3_lake, policy, now=now)
    assert done == plan and done.to_json()["tables"][0]["uploads"] == 1
    assert unfinished(client, s3_lake) == set()
    assert by_table([*prune(s3_lake, policy).tables]) == {}
    assert s3_lake.arrow(s3_lake.version("whole")).to_pylist() == [{"i": 1}]


@pytest.mark.slow
def test_those_of_living_writers_and_of_others_stay(s3_lake: Lake, client: Any) -> None:
    WriteMarker(s3_lake.storage, s3_lake.table_uri("whole"), ALIVE).place()
    gone = {
        f"whole/part-{DEAD}-0.parquet",
        f"whole/p=a/part-{DEAD}-1.parquet",
        "whole/_delta_log/00000000000000000020.checkpoint.parquet",
        f"first/part-{DEAD}-0.parquet",
    }
    stay = {f"whole/part-{ALIVE}-0.parquet", "first/theirs.bin", "Not a table/part-x.parquet", "readme.txt"}
    for path in {*gone, *stay}:
        client.create_multipart_upload(Bucket="lake", Key=f"{key(s3_lake.uri)}/{path}")
    outside = f"{key(s3_lake.uri)}-another/whole/part-{DEAD}-0.parquet"
    client.create_multipart_upload(Bucket="lake", Key=outside)
    assert unfinished(client, s3_lake) == gone | stay
    prune(s3_lake, policy)
    assert unfinished(client, s3_lake) == stay
    left = client.list_multipart_uploads(Bucket="lake").get("Uploads", [])
    assert outside in {each["Key"] for each in left}


def test_young_ones_stay(folder_lake: Lake, nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder_lake, "whole", 1)
    young = UnfinishedUpload(f"whole/part-{DEAD}-0.parquet", "an id", time.time())
    aborted: list[str] = []
    monkeypatch.setattr(Storage, "uploads", lambda *_: iter([young]))
    monkeypatch.setattr(Storage, "abort", lambda _, path, upload: aborted.append(f"{path}/{upload.path}"))
    assert by_table([*prune(folder_lake, policy).tables]) == {} and aborted == []
    nights.pass_(1.1)
    prune(folder_lake, policy)
    assert aborted == [f"{folder_lake.uri}/{young.path}"]


@pytest.mark.slow
def test_a_store_that_does_not_list_them_stops_nothing(
    s3_lake: Lake, nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ObjectStore.call_s3

    def refusing(self: ObjectStore, method: str, *arguments: Any, **options: Any) -> Any:
        if method == "list_multipart_uploads":
            raise PermissionError("Access Denied")
        return real(self, method, *arguments, **options)

    monkeypatch.setattr(ObjectStore, "call_s3", refusing)
    write(s3_lake, "whole", 2)
    nights.pass_(9)
    done = prune(s3_lake, policy, now=nights())
    assert [table.dropped for table in done.tables] == [[0]]
    assert done.unlisted is not None and "Access Denied" in done.unlisted
    assert "AbortIncompleteMultipartUpload" in done.unlisted and done.to_json()["unlisted"] == done.unlisted


def test_all_pages_of_the_list_are_read() -> None:
    class Pages(ObjectStore):
        def call_s3(self, method: str, **options: Any) -> dict[str, Any]:
            assert (method, options["Bucket"], options["Prefix"]) == ("list_multipart_uploads", "b", "lake/")
            place = options.get("KeyMarker"), options.get("UploadIdMarker")
            if place == (None, None):
                first = {"Key": "lake/t/a", "UploadId": "1"}
                return {
                    "Uploads": [first],
                    "IsTruncated": True,
                    "NextKeyMarker": "lake/t/a",
                    "NextUploadIdMarker": "1",
                }
            assert place == ("lake/t/a", "1")
            return {"Uploads": [{"Key": "lake/t/a", "UploadId": "2"}], "IsTruncated": False}

    found = [*Pages(anon=True, skip_instance_cache=True).uploads("s3://b/lake")]
    assert [(each["url"], each["UploadId"]) for each in found] == [
        ("s3://b/lake/t/a", "1"),
        ("s3://b/lake/t/a", "2"),
    ]
