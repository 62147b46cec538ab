"""Tracing: OpenTelemetry spans of the steps of an answer, if OpenTelemetry's variables enable them.

Without them its SDK is not even imported. No span names a customer or an item: it has the route, the duration, and the
type of an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_ENABLING = (ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER")
_BY_PROTOCOL = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}
_NOTHING = nullcontext()


class _Traced:
    """The tracer of this process, and the processor that sends its spans; None without tracing."""

    tracer: Tracer | None = None
    provider: Any = None


def begin(environment: MutableMapping[str, str] = os.environ, endpoint: str | None = None) -> str | None:
    """Start tracing if the OpenTelemetry variables enable it; returns the reason why it could not be started, if any.

    Args:
        endpoint: of the collector, where the environment names none.
    """
    if endpoint:
        environment.setdefault(ENDPOINT, endpoint)
    if not any(environment.get(name) for name in _ENABLING):
        return None
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    wanted = environment.get("OTEL_TRACES_EXPORTER", "otlp")
    if wanted == "none":
        return None
    environment.setdefault("OTEL_SERVICE_NAME", "recsys-serve")
    protocol = environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    name = _BY_PROTOCOL.get(protocol, protocol) if wanted == "otlp" else wanted
    found = list(entry_points(group="opentelemetry_traces_exporter", name=name))
    if not found:
        return (
            f"no spans are sent: the exporter {name!r} of OpenTelemetry is not installed; "
            "pip install 'recsys-platform[telemetry]' brings that of http/protobuf"
        )
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # pyright: ignore[reportMissingImports]

    send_to(BatchSpanProcessor(found[0].load()()))
    return None


def send_to(processor: Any) -> None:
    """Create spans from now on and pass them to a span processor of OpenTelemetry's SDK."""
    from opentelemetry.sdk.trace import TracerProvider  # pyright: ignore[reportMissingImports]

    end()
    _Traced.provider = TracerProvider()
    _Traced.provider.add_span_processor(processor)
    _Traced.tracer = _Traced.provider.get_tracer("recsys_assets.service")


def end() -> None:
    """Flush pending spans, and stop tracing."""
    provider, _Traced.provider, _Traced.tracer = _Traced.provider, None, None
    if provider is not None:
        provider.shutdown()


def span(name: str) -> AbstractContextManager[Any]:
    """Context with a span for a part of an answer."""
    if _Traced.tracer is None:
        return _NOTHING
    return _part(_Traced.tracer, name)


@contextmanager
def _part(tracer: Tracer, name: str) -> Iterator[Any]:
    with tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as made:
        try:
            yield made
        except BaseException as error:
            made.set_attribute("error.type", type(error).__name__)  # its message may name a customer
            raise


def request(method: str, headers: Iterable[tuple[bytes, bytes]]) -> AbstractContextManager[Any]:
    """Context with a span for a request, part of its sender's trace (W3C `traceparent`).

    Yields the span, or None without tracing.
    """
    tracer = _Traced.tracer
    if tracer is None:
        return _NOTHING
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    sent = {name.decode(): value.decode("latin-1") for name, value in headers if name == b"traceparent"}
    return tracer.start_as_current_span(
        _known(method),
        TraceContextTextMapPropagator().extract(sent),
        SpanKind.SERVER,
        record_exception=False,
        set_status_on_exception=False,
    )


def answered(made: Any, method: str, route: str, status: int) -> None:
    """Set the attributes and outcome of a request's span."""
    if made is None:
        return
    from opentelemetry.trace import StatusCode

    made.update_name(f"{_known(method)} {route}")
    made.set_attribute("http.request.method", _known(method))
    made.set_attribute("http.route", route)
    made.set_attribute("http.response.status_code", status)
    if status >= 500:
        made.set_status(StatusCode.ERROR)


def _known(method: str) -> str:
    """A method of HTTP, or the name that the conventions give to an unknown one."""
    return method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "_OTHER"
