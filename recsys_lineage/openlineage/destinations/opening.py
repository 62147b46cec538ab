"""The destinations in the client's settings; by default a file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attr
from openlineage.client.transport import (
    DatadogConfig,
    DatadogTransport,
    HttpConfig,
    KafkaTransport,
    Transport,
    get_default_factory,
)
from openlineage.client.transport.file import FileConfig

from recsys_lineage.errors import did_you_mean
from recsys_lineage.openlineage.client_settings import BadClientSettings, ClientSettings, TransportSettings
from recsys_lineage.openlineage.destinations.client_transport import TransportDestination
from recsys_lineage.openlineage.destinations.destination import Destination, without
from recsys_lineage.openlineage.destinations.event_file import FileDestination
from recsys_lineage.openlineage.destinations.http import SECONDS, HttpDestination
from recsys_lineage.openlineage.destinations.kafka import OURS, KafkaDestination

DEFAULT_FILE = "events.jsonl"
_HTTP = ("http", "async_http")
_KAFKA = ("kafka", "msk-iam")
_PASSED_OVER = frozenset({"max_queue_size", "max_concurrent_requests"})
"""Settings of the client's asynchronous transport, which have no effect here, because the lake is the queue."""
_ALIASES = frozenset({"ssl_context", "message_key", "apikey"})
_SECRET_WORDS = ("key", "secret", "password", "token")


def opened(
    settings: ClientSettings,
    folder: Path,
    *,
    workers: int = 1,
    longest_answer: float | None = None,
    again: bool = False,
) -> list[Destination]:
    """The destinations in the settings; `events.jsonl` in the folder if they name none.

    Args:
        settings: the client's settings.
        folder: the folder of the default file.
        workers: the number of concurrent requests to each catalog.
        longest_answer: the longest wait for a catalog's answer in seconds, whatever the settings have.
        again: whether files get their last lines again, as for a replay.

    Raises:
        BadClientSettings: a destination cannot be created from the settings.
    """
    if settings.disabled:
        return []
    if not settings.transports:
        return [FileDestination("file", folder / DEFAULT_FILE, again=again)]
    return [_opened(each, workers, longest_answer, again) for each in settings.transports]


def _opened(
    settings: TransportSettings, workers: int, longest_answer: float | None, again: bool
) -> Destination:
    name, kind, options = settings.name, settings.kind, dict(settings.options)
    if kind in _HTTP:
        return HttpDestination(name, _http(settings, longest_answer), workers)
    transport_class = _transport_class(settings)
    config_class = transport_class.config_class
    _require_known(settings, config_class)
    if kind == DatadogTransport.kind:
        datadog = _made(settings, lambda: DatadogTransport(DatadogConfig.from_dict(options)))
        return HttpDestination(name, _patient(datadog.http.config, settings, longest_answer), workers)
    if kind == "file" and options.get("append") and "://" not in str(options.get("log_file_path", "")):
        config = _made(settings, lambda: FileConfig.from_dict(options))
        if config.filesystem is None:
            return FileDestination(name, Path(config.log_file_path).expanduser().absolute(), again=again)
    if kind in _KAFKA:
        return _kafka(settings, transport_class)
    transport = _made(settings, lambda: transport_class(config_class.from_dict(options)))  # pyright: ignore
    target = str(options.get("log_file_path") or options.get("domainId") or kind)
    return TransportDestination(name, transport, target, _secrets(options))


def _http(settings: TransportSettings, longest_answer: float | None) -> HttpConfig:
    _require_known(settings, HttpConfig, _PASSED_OVER)
    options = {key: value for key, value in settings.options.items() if key != "retry"}
    url = str(options.get("url") or "")
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, usable = None, False
    if not usable:
        scheme = parts.scheme if parts else ""
        meant = did_you_mean(scheme, ("http", "https")) if scheme not in ("", "http", "https") else ""
        raise BadClientSettings(
            f"The URL of the OpenLineage destination {settings.name!r} cannot be used.",
            expected="http://HOST:PORT or https://HOST",
            found=f"the scheme {scheme!r}"
            if scheme not in ("", "http", "https")
            else "none"
            if not url
            else "a host or a port that cannot be read"
            if parts is None
            else "the port 0"
            if parts.hostname
            else "no host",
            where=settings.where,
            advice=meant or "correct it",
        )
    options["url"] = url.strip()
    return _patient(_made(settings, lambda: HttpConfig.from_dict(options)), settings, longest_answer)


def _patient(config: HttpConfig, settings: TransportSettings, longest: float | None) -> HttpConfig:
    """The configuration with the time that a wide table needs, unless the settings have a time."""
    seconds = settings.options.get("timeout", SECONDS)
    try:
        seconds = float(seconds)
        usable = seconds > 0
    except (TypeError, ValueError):
        usable = False
    if not usable:
        raise BadClientSettings(
            f"The timeout of the OpenLineage destination {settings.name!r} cannot be used.",
            expected="seconds above 0",
            where=settings.where,
            advice="leave it out to wait 60 seconds",
        )
    return attr.evolve(config, timeout=seconds if longest is None else min(seconds, longest))


def _kafka(settings: TransportSettings, transport_class: type[Transport]) -> KafkaDestination:
    options = dict(settings.options)
    config = options.get("config")
    topic = options.get("topic")
    if not isinstance(config, dict) or not config.get("bootstrap.servers") or not topic:
        raise BadClientSettings(
            f"The OpenLineage destination {settings.name!r} lacks its broker or topic.",
            expected="topic: …, and config: {bootstrap.servers: HOST:PORT}",
            where=settings.where,
            advice="name both",
        )
    options["config"] = {**OURS, **config}

    def make() -> Any:
        transport = transport_class(transport_class.config_class.from_dict(dict(options)))  # pyright: ignore
        assert isinstance(transport, KafkaTransport)
        return transport.producer

    try:
        import confluent_kafka  # noqa: F401
    except ModuleNotFoundError:
        raise BadClientSettings(
            f"The OpenLineage destination {settings.name!r} needs the package confluent-kafka.",
            where=settings.where,
            advice="pip install confluent-kafka",
        ) from None
    _made(settings, make)  # raises for wrong settings; nothing is connected yet
    return KafkaDestination(settings.name, str(topic), config, make)


def _transport_class(settings: TransportSettings) -> type[Transport]:
    known = get_default_factory().transports
    found: Any = known.get(settings.kind)
    if found is None and "." in settings.kind:
        from openlineage.client.utils import try_import_from_string

        found = try_import_from_string(settings.kind)
    if not (inspect.isclass(found) and issubclass(found, Transport)):
        raise BadClientSettings(
            f"There is no OpenLineage transport {settings.kind!r}.",
            expected=", ".join(sorted(known)) + ", or the dotted name of a Transport",
            found=settings.kind,
            where=settings.where,
            advice=did_you_mean(settings.kind, known) or "correct transport.type",
        )
    return found


def _require_known(
    settings: TransportSettings, config_class: Any, further: frozenset[str] = frozenset()
) -> None:
    """Refuse keys that the transport would silently ignore."""
    if attr.has(config_class):
        fields = {field.name for field in attr.fields(config_class)}
    else:
        fields = set(getattr(config_class, "__dataclass_fields__", ()))
    if not fields or ("." in settings.kind):  # a class of others takes what it likes
        return
    fields -= {"session", "adapter"}
    plain = {_plain(name) for name in fields | further | _ALIASES}
    wrong = sorted(key for key in map(str, settings.options) if _plain(key) not in plain)
    if wrong:
        raise BadClientSettings(
            f"The OpenLineage destination {settings.name!r} has no setting {wrong[0]!r}.",
            expected=", ".join(sorted(fields)),
            found=", ".join(wrong),
            where=settings.where,
            advice=did_you_mean(wrong[0], fields) or "take it out",
        )


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _made(settings: TransportSettings, make: Callable[[], Any]) -> Any:
    """Transport created by the client from the settings; its errors become messages without values."""
    try:
        return make()
    except BadClientSettings:
        raise
    except (
        Exception
    ) as error:  # the client raises KeyError, RuntimeError, TypeError and what the libraries raise
        message = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
        raise BadClientSettings(
            f"The OpenLineage destination {settings.name!r} cannot be created.",
            found=without(_secrets(settings.options), message),
            where=settings.where,
            advice="see https://openlineage.io/docs/client/python/configuration",
        ) from None


def _secrets(options: Mapping[str, Any]) -> list[str]:
    """Every text below a key that is named like a secret."""
    found: list[str] = []
    for key, value in options.items():
        if isinstance(value, Mapping):
            found += _secrets(value)
        elif isinstance(value, str) and any(word in str(key).lower() for word in _SECRET_WORDS):
            found.append(value)
    return found
