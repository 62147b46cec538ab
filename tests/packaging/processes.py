"""What tests of running services share: free ports, waiting, and asking Dagster's webserver."""

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

# A run that is killed while it holds the one place of the pool `gpu`; takes the folder of dagster.yaml.
DIE_IN_THE_MIDDLE = """
import os, signal, sys
import dagster as dg

@dg.asset(pool="gpu")
def training():
    os.kill(os.getpid(), signal.SIGKILL)

with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    dg.materialize([training], instance=instance)
"""


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(answer: Callable[[], T | None], seconds: float = 120.0) -> T:
    """The first true answer.

    Raises:
        TimeoutError: there is none in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := answer():
            return found
        time.sleep(0.2)
    raise TimeoutError(f"no answer within {seconds} seconds")


def get(url: str) -> bytes | None:
    """What a URL answers, or None where nothing does."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.read()
    except (urllib.error.URLError, OSError):
        return None


def ask(url: str, query: str) -> dict[str, Any]:
    """The data that Dagster's GraphQL gives for a query."""
    request = urllib.request.Request(
        f"{url}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        body = json.loads(response.read())
    assert "errors" not in body, body["errors"]
    return body["data"]
