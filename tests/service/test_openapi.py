"""Whatever the description allows, and much that it does not, is answered without a fault of the program."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.examples import examples
from tests.service.running import served

OPERATIONS = [
    ("/recommendations/{user}", "GET"), ("/recommendations", "POST"), ("/items/{item}/similar", "GET"),
    ("/events", "POST"), ("/health", "GET"), ("/ready", "GET"), ("/version", "GET"), ("/metrics", "GET"),
    ("/status", "GET"), ("/search", "GET"), ("/preview/{user}", "GET"),
]  # fmt: skip
NEGATIVE = schemathesis.GenerationMode.NEGATIVE


@pytest.fixture(scope="module")
def openapi(original_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The description of a running service, as it serves it."""
    home = tmp_path_factory.mktemp("described") / "home"
    shutil.copytree(original_home, home)
    with served(home) as (customer, _):
        yield schemathesis.openapi.from_url(f"http://127.0.0.1:{customer.port}/openapi.json")


def test_it_describes_every_route(openapi: Any) -> None:
    raw = openapi.raw_schema
    told = [(path, method.upper()) for path, operations in raw["paths"].items() for method in operations]
    assert sorted(told) == sorted(OPERATIONS)
    for path, operations in raw["paths"].items():
        for operation in operations.values():
            assert operation["summary"] and "422" in operation["responses"], path
    assert raw["components"]["schemas"]["Event"]["examples"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_request_makes_it_fail(openapi: Any, operation: tuple[str, str]) -> None:
    path, method = operation

    @settings(
        max_examples=examples(8),
        phases=[Phase.generate],
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=openapi[path][method].as_strategy() | openapi[path][method].as_strategy(NEGATIVE))
    def ask(case: Any) -> None:
        answer = case.call()
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"]

    ask()
