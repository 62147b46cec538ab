"""The OpenLineage client's standard settings: `openlineage.yml`, `OPENLINEAGE__*`, `OPENLINEAGE_URL` and the like.

They are found and merged like in the client. A mistake that the client ignores is an error here, with its file, its key
and the probable intention. Values are never shown, because they may be secrets.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from recsys_lineage.errors import LineageError, did_you_mean
from recsys_lineage.openlineage.translation.naming import why_no_namespace

NAMESPACE = "OPENLINEAGE_NAMESPACE"
"""The variable with the namespace of jobs, used by integrations of OpenLineage."""
PREFIX = "OPENLINEAGE__"
FILE = "openlineage.yml"
_SECTIONS = frozenset({"transport", "facets", "filters", "tags", "dataset"})
_URL_NAME = "default_http"


class BadClientSettings(LineageError):
    """A setting of the OpenLineage client that cannot be used."""


@dataclass(frozen=True)
class TransportSettings:
    """One destination in the settings.

    Attributes:
        name: its name.
        kind: `http`, `file`, `kafka` …, or the dotted name of a class.
        options: the other keys, secrets included.
        where: its file or variables, for errors.
    """

    name: str
    kind: str
    options: Mapping[str, Any] = field(repr=False)
    where: str


@dataclass(frozen=True)
class ClientSettings:
    """The settings of the OpenLineage client.

    Attributes:
        transports: the destinations; empty where none is named.
        disabled: whether sending is disabled (`OPENLINEAGE_DISABLED`).
        unused: sections that have no effect here.
    """

    transports: tuple[TransportSettings, ...] = ()
    disabled: bool = False
    unused: tuple[str, ...] = ()


def client_settings(
    environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> ClientSettings:
    """The client's settings.

    Args:
        environment: the variables; those of this process when None.
        folder: the folder of `openlineage.yml`; the working folder when None.

    Raises:
        BadClientSettings: the file cannot be read, is no YAML, or has an unknown name.
    """
    variables = os.environ if environment is None else environment
    if variables.get("OPENLINEAGE_DISABLED", "").lower().strip() == "true":
        return ClientSettings(disabled=True)
    path = _file(variables, folder or Path.cwd())
    config = _of_file(path) if path is not None else {}
    found = _joined(_of_variables(variables), config)
    where = str(path) if path is not None else f"the variables {PREFIX}*"
    if wrong := sorted(map(str, found.keys() - _SECTIONS)):
        raise BadClientSettings(
            f"The OpenLineage settings have no section {wrong[0]!r}.",
            expected=", ".join(sorted(_SECTIONS)),
            found=", ".join(wrong),
            where=where,
            advice=did_you_mean(wrong[0], _SECTIONS) or "take it out",
        )
    unused = tuple(sorted(section for section in found.keys() - {"transport"} if found[section]))
    transport = found.get("transport") or {}
    if not isinstance(transport, dict):
        raise _no_mapping("transport", transport, where)
    if not transport.get("type"):
        if url := variables.get("OPENLINEAGE_URL"):
            return ClientSettings((_of_url(url, variables),), unused=unused)
        if left := sorted(map(str, transport.keys() - {"transports"})):
            raise BadClientSettings(
                "The OpenLineage transport has no type.",
                expected="transport.type, such as http, file, kafka or composite",
                found=", ".join(left),
                where=where,
                advice="name it",
            )
        return ClientSettings(unused=unused)
    return ClientSettings(tuple(_flat(transport, None, where)), unused=unused)


def job_namespace(environment: Mapping[str, str] | None = None) -> str | None:
    """The namespace of jobs in the variables; None where they have none.

    Raises:
        BadClientSettings: catalogs would change the namespace.
    """
    variables = os.environ if environment is None else environment
    namespace = variables.get(NAMESPACE) or None
    if namespace is not None and (wrong := why_no_namespace(namespace)) is not None:
        expected, _, found = wrong.partition("; found ")
        raise BadClientSettings(
            "The namespace of OpenLineage's jobs cannot be used.",
            expected=expected.removeprefix("expected "),
            found=found,
            where=NAMESPACE,
            advice="name another one: catalogs such as Marquez change it, and then know no run's parent",
        )
    return namespace


def _file(variables: Mapping[str, str], folder: Path) -> Path | None:
    """The settings file, searched like in the client."""
    if named := variables.get("OPENLINEAGE_CONFIG"):
        if not (os.path.isfile(named) and os.access(named, os.R_OK)):
            raise BadClientSettings(
                "OPENLINEAGE_CONFIG names a file that cannot be read.",
                expected=f"the path of a file such as {FILE}",
                found=named,
                where="OPENLINEAGE_CONFIG",
                advice="correct the path, or unset it",
            )
        return Path(named)
    home = Path(variables.get("HOME") or Path.home()) / ".openlineage" / FILE
    return next((path for path in (folder / FILE, home) if path.is_file() and os.access(path, os.R_OK)), None)


def _of_file(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise BadClientSettings(
            f"{path.name} is no YAML.",
            expected="keys and values, such as transport: {type: http, url: …}",
            found=error.problem,
            where=f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path),
            advice="correct that line",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise BadClientSettings(
            f"{path.name} cannot be read.",
            found=type(error).__name__,
            where=str(path),
            advice="correct the file",
        ) from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _no_mapping("the file", found, str(path))
    return found


def _of_variables(variables: Mapping[str, str]) -> dict[str, Any]:
    """`OPENLINEAGE__TRANSPORT__TYPE` and so on as nested keys; a value may be JSON."""
    config: dict[str, Any] = {}
    named = {name: text for name, text in variables.items() if name.startswith(PREFIX)}
    named |= _alias(variables, named)
    # Longer names first, so that a variable of a whole section wins over those of its keys.
    for name in sorted(named, reverse=True):
        text = named[name]
        *keys, last = name[len(PREFIX) :].lower().split("__")
        current = config
        for key in keys:
            current = current.setdefault(key, {})
            if not isinstance(current, dict):
                raise _no_mapping(name.rpartition("__")[0], current, name)
        try:
            current[last] = json.loads(text)
        except ValueError:
            current[last] = text
    return config


def _alias(variables: Mapping[str, str], named: Mapping[str, str]) -> dict[str, str]:
    """The variables of a composite's part for which `OPENLINEAGE_URL` is short."""
    url, prefix = variables.get("OPENLINEAGE_URL"), f"{PREFIX}TRANSPORT__TRANSPORTS__{_URL_NAME.upper()}"
    if not url or any(name.startswith(prefix) for name in named):
        return {}
    options = _of_url(url, variables).options
    return {f"{prefix}__TYPE": "http"} | {
        f"{prefix}__{key.upper()}": value if isinstance(value, str) else json.dumps(value)
        for key, value in options.items()
    }


def _of_url(url: str, variables: Mapping[str, str]) -> TransportSettings:
    options: dict[str, Any] = {"url": url}
    if endpoint := variables.get("OPENLINEAGE_ENDPOINT"):
        options["endpoint"] = endpoint
    if key := variables.get("OPENLINEAGE_API_KEY"):
        options["auth"] = {"type": "api_key", "apiKey": key}
    return TransportSettings("http", "http", options, "OPENLINEAGE_URL")


def _joined(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Two nested settings in one; the second wins."""
    joined = dict(below)
    for key, value in above.items():
        kept = joined.get(key)
        joined[key] = _joined(kept, value) if isinstance(kept, dict) and isinstance(value, dict) else value
    return joined


def _flat(transport: Mapping[str, Any], name: str | None, where: str) -> list[TransportSettings]:
    """The destinations of a transport: those of a composite, else itself."""
    options = {key: value for key, value in transport.items() if key not in ("type", "name", "priority")}
    kind = str(transport["type"])
    name = str(transport.get("name") or name or kind)
    if kind != "composite":
        return [] if kind == "noop" else [TransportSettings(name, kind, options, where)]
    parts = options.get("transports")
    if isinstance(parts, dict):
        parts = [
            {**part, "name": key} if isinstance(part, dict) else part for key, part in parts.items() if part
        ]
    if not isinstance(parts, list) or not parts:
        raise BadClientSettings(
            f"The composite transport {name!r} has no transports.",
            expected="transports: a list, or a mapping of names to transports",
            where=where,
            advice="name at least one",
        )
    if options.get("continue_on_success") is False:
        raise BadClientSettings(
            f"The composite transport {name!r} is to stop at the first destination that takes an event.",
            expected="continue_on_success: true, because each destination has its own queue and misses nothing",
            found="continue_on_success: false",
            where=where,
            advice="leave it out; name one destination alone where one is enough",
        )
    found: list[TransportSettings] = []
    for number, part in enumerate(parts, 1):
        if not isinstance(part, dict) or not part.get("type"):
            raise BadClientSettings(
                f"Part {number} of the composite transport {name!r} has no type.",
                expected="type: http, file, kafka …",
                where=where,
                advice="name it",
            )
        found += _flat(part, None, where)
    names = [each.name for each in found]
    if twice := sorted({each for each in names if names.count(each) > 1}):
        # Entries that the settings do not distinguish are distinguished by their position, which must then stay.
        found = [
            TransportSettings(f"{each.name}-{place}", each.kind, each.options, each.where)
            if each.name in twice
            else each
            for place, each in enumerate(found, 1)
        ]
    return found


def _no_mapping(what: str, found: object, where: str) -> BadClientSettings:
    return BadClientSettings(
        f"{what} of the OpenLineage settings holds no keys.",
        expected="keys and values",
        found=type(found).__name__,
        where=where,
        advice="see https://openlineage.io/docs/client/python/configuration",
    )
