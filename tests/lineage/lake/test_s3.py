"""A lake on S3: through the same code, without extensions, and without secrets where people read."""

from __future__ import annotations

import logging
import traceback

import duckdb
import pytest

from recsys_lineage.errors import InsufficientSpace, LakePlaceError, LineageError
from recsys_lineage.lake.lake import Lake
from tests.lineage.lake.conftest import ENGINE, SECRET

KEY = "AKIAIOSFODNN7EXAMPLE"


def test_duckdb_reads_and_writes_without_its_http_extension(s3_uri: str) -> None:
    lake = Lake(s3_uri, ENGINE)
    with lake.connect() as db:
        version = lake.write("t", "SELECT i, i % 3 AS p FROM range(9) t(i)", connection=db, partition_by="p")
        assert db.sql(f"SELECT sum(i) FROM {lake.relation(version)}").fetchall() == [(36,)]
        settings = {name for (name,) in db.sql("SELECT name FROM duckdb_settings()").fetchall()}
    assert "http_timeout" not in settings, "a setting that httpfs brings"


def test_large_files_go_up_in_parts(s3_uri: str) -> None:
    lake = Lake(s3_uri, ENGINE)
    with lake.connect() as db:
        version = lake.write("t", "SELECT hash(i) AS h FROM range(7000000) t(i)", connection=db)
        assert version.bytes > 50 << 20  # what s3fs sends at once
        assert db.sql(f"SELECT count(*) FROM {lake.relation(version)}").fetchall() == [(7000000,)]


def test_several_lakes_in_one_bucket(s3_uri: str) -> None:
    for prefix in ("one", "two/three"):
        lake = Lake(f"{s3_uri}/{prefix}/", ENGINE)
        with lake.connect() as db:
            lake.write(f"in_{prefix[:3]}", "SELECT 1 AS i", connection=db)
        assert lake.tables() == [f"in_{prefix[:3]}"]
    assert Lake(s3_uri, ENGINE).tables() == []


def test_a_bucket_that_does_not_exist(s3_uri: str) -> None:
    lake = Lake("s3://absent/lake", ENGINE)
    with (
        lake.connect() as db,
        pytest.raises(InsufficientSpace, match=r"bucket does not exist(.|\n)*s3://absent"),
    ):
        lake.write("t", "SELECT 1 AS i", connection=db)
    with pytest.raises(LineageError, match=r"does not exist"):
        lake.version("t")


def test_a_missing_file_is_named(s3_uri: str) -> None:
    lake = Lake(s3_uri, ENGINE)
    with lake.connect() as db:
        version = lake.write("t", "SELECT 1 AS i", connection=db)
        (path,) = [path for path in lake.storage.files(lake.table_uri("t")) if path.endswith(".parquet")]
        lake.storage.delete(path)
        with pytest.raises(LineageError, match="'t'"):
            lake.arrow(version)


@pytest.mark.parametrize("user", ["AKIA:Xzqsecret91@", "AKIA@"])
def test_a_url_with_credentials_is_refused_because_records_name_it(user: str) -> None:
    with pytest.raises(LakePlaceError, match="cannot contain credentials") as raised:
        Lake(f"s3://{user}bucket/shop")
    assert "Xzqsecret91" not in str(raised.value) and "AWS_SECRET_ACCESS_KEY" in str(raised.value)
    assert Lake("s3://bucket/a@b").uri == "s3://bucket/a@b"


def test_secrets_appear_nowhere(
    s3_uri: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    token = "FwoGZXIvYXdzEXAMPLETOKEN"
    monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    lake = Lake(s3_uri, ENGINE)
    absent = Lake("s3://absent/lake", ENGINE)
    seen = [repr(lake), str(lake.storage), repr(lake.storage), repr(vars(lake)), repr(lake.connect())]
    with caplog.at_level(logging.INFO), lake.connect() as db:
        version = lake.write("t", "SELECT 1 AS i", connection=db, record={"why": "test"})
        seen += [repr(version), repr(lake.commit("t")), lake.relation(version), repr(lake.log("t"))]
        seen += [lake.storage.read_bytes(path).decode("latin-1") for path in lake.storage.files(lake.uri)]
        for fail in (
            lambda: absent.write("t", "SELECT 1 AS i", connection=db),
            lambda: absent.version("t"),
            lambda: lake.version("t", 9),
            lambda: lake.write("t", f"SELECT error('{SECRET[:0]}x')", connection=db),
            lambda: db.sql("FROM read_parquet('s3://absent/x.parquet')").fetchall(),
        ):
            with pytest.raises((LineageError, duckdb.Error)) as raised:
                fail()
            seen += traceback.format_exception(raised.value)
    out = capfd.readouterr()
    seen += [out.out, out.err, caplog.text]
    for secret in (SECRET, token):
        assert [text for text in seen if secret in text] == []
    assert KEY not in lake.storage.scrub(f"denied to {KEY}")


def test_a_server_that_is_down(s3_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    lake = Lake(s3_uri, ENGINE)
    with pytest.raises(LineageError, match=r"could not be read(.|\n)*127\.0\.0\.1:9"):
        lake.version("t")
