"""Spans say what an answer took and of whom nothing; without OpenTelemetry's variables nothing of its SDK is loaded."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from recsys_assets.service import tracing
from tests.service.running import Command, Customer, served
from tests.service.test_answers import event

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans() -> Iterator[Any]:
    """What was traced, in memory."""
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = memory.InMemorySpanExporter()
    tracing.send_to(export.SimpleSpanProcessor(exporter))
    yield exporter
    tracing.end()


def told(exporter: Any) -> str:
    """All that would be sent."""
    return "".join(each.to_json() for each in exporter.get_finished_spans())


def test_an_answer_has_its_parts_below_the_request_of_its_sender(home: Path, spans: Any) -> None:
    with served(home) as (customer, _):
        customer.ask("GET", "/recommendations/customer-1?k=3", headers={"traceparent": PARENT})
        found = {each.name: each for each in spans.get_finished_spans()}
    whole = found["GET /recommendations/{user}"]
    assert set(found) == {whole.name, "fold in", "rank", "rules", "write"}
    assert f"{whole.context.trace_id:032x}" in PARENT and f"{whole.parent.span_id:016x}" in PARENT
    assert dict(whole.attributes)["http.response.status_code"] == 200
    for name in ("fold in", "rank", "rules", "write"):
        assert found[name].parent.span_id == whole.context.span_id


def test_no_customer_and_no_item_stands_in_a_span(
    home: Path, spans: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as where another library has made spans global
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: tracing._Traced.provider)
    with served(home) as (customer, service):
        customer.list_of("secret-customer", client_id="secret-client", exclude="secret-item")
        customer.session(user="secret-customer", items=["secret-item"])
        customer.tell(event("view", "secret-item", user="secret-customer"))
        customer.ask("GET", "/items/secret-item/similar")
        customer.ask("SECRET", "/secret")

        def broken(*_: object) -> None:
            raise ValueError("of secret-customer")

        monkeypatch.setattr(service.log, "append", broken)
        assert customer.list_of("secret-customer").status == 500
    assert "secret" not in told(spans).lower()
    failed = [
        each for each in spans.get_finished_spans() if not each.status.is_ok and each.kind.name == "SERVER"
    ]
    assert len(failed) >= 1
    parts = [each for each in spans.get_finished_spans() if "error.type" in (each.attributes or {})]
    assert [(each.name, each.attributes["error.type"]) for each in parts] == [("write", "ValueError")]


def test_nothing_is_loaded_where_nobody_asks() -> None:
    code = (
        "import sys; from recsys_assets.service import opened_service, tracing; assert tracing.begin({}) is None; "
        "tracing.span('rank').__enter__(); "
        "print([each for each in sys.modules if each.startswith('opentelemetry.sdk')])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_SERVICE_NAME": "shop"},
        {tracing.ENDPOINT: "http://localhost:4318", "OTEL_SDK_DISABLED": "true"},
        {tracing.ENDPOINT: "http://localhost:4318", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_without_a_wish_there_are_no_spans(environment: dict[str, str]) -> None:
    assert tracing.begin(environment) is None
    with tracing.span("rank") as made, tracing.request("GET", []) as whole:
        assert made is None and whole is None


def test_an_exporter_that_is_not_there_is_told() -> None:
    problem = tracing.begin({"OTEL_TRACES_EXPORTER": "carrier-pigeon"})
    assert problem is not None and "'carrier-pigeon'" in problem and "[telemetry]" in problem


@pytest.mark.slow
def test_the_command_sends_its_spans_to_a_collector(home: Path) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    bodies: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        variables: dict[str, str] = {tracing.ENDPOINT: url, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        service = Command(home, cwd=None, **variables)
        assert Customer(service.port).list_of("customer-1").status == 200
        service.end()
        server.shutdown()
    whole = b"".join(bodies)
    assert b"rank" in whole and b"recsys-serve" in whole and b"customer-1" not in whole
