"""One lake, in a folder and on an S3 server that speaks real HTTP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import boto3
import duckdb
import pytest
from botocore.exceptions import EndpointConnectionError

from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from tests.lineage.processes import BESIDE

SECRET = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"
ENGINE = Engine(memory_limit="500MB", threads=1)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of a running S3 server with the bucket `lake`.

    It is a process of its own: delta-rs holds Python's lock during some requests, and a server in a thread of
    the same process could not answer them.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        str(Path(__file__).with_name("s3_server.py")),
        "-H",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    endpoint = f"http://127.0.0.1:{port}"
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    while True:
        try:
            client.create_bucket(Bucket="lake")
            break
        except EndpointConnectionError:
            assert server.poll() is None, "the S3 server did not start"
            time.sleep(0.1)
    yield endpoint
    server.terminate()
    server.wait()


@pytest.fixture(scope="session")
def s3_access(s3_endpoint: str) -> Iterator[None]:
    """Access to the S3 server, in the environment: set once, as polars reads it at any time (tests/conftest.py)."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
        yield


@pytest.fixture
def s3_uri(s3_access: None) -> str:
    """An empty prefix on the S3 server."""
    return f"s3://lake/{uuid.uuid4().hex[:8]}"


@pytest.fixture(params=["folder", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """An empty lake in a folder, then one on S3."""
    uri = str(tmp_path / "lake") if request.param == "folder" else request.getfixturevalue("s3_uri")
    return Lake(uri, ENGINE)


@pytest.fixture
def folder_lake(tmp_path: Path) -> Lake:
    """An empty lake in a folder."""
    return Lake(str(tmp_path / "lake"), ENGINE)


@pytest.fixture
def db(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of `lake`."""
    with lake.connect() as connection:
        yield connection


@pytest.fixture
def folder_db(folder_lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of `folder_lake`."""
    with folder_lake.connect() as connection:
        yield connection


@pytest.fixture(scope="session")
def processes() -> Iterator[ProcessPoolExecutor]:
    """Six processes of their own, which share nothing with this one, as the steps of Dagster."""
    with ProcessPoolExecutor(6, mp_context=BESIDE) as pool:
        yield pool


@pytest.fixture
def aws() -> dict[str, str]:
    """What a process must put into its environment to reach the same lake."""
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
