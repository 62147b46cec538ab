"""Validators of settings whose values are more than a number within bounds.

Each returns the normalised value, and raises a ValueError with the expected form.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import ByteSize, PostgresDsn, SecretStr, TypeAdapter, ValidationError

from recsys_lineage.errors import LineageError
from recsys_lineage.openlineage.translation.naming import why_no_namespace

_LEAST_MEMORY = 1_000_000
_EVERY_DAY = re.compile(r"[0-5]?\d ([01]?\d|2[0-3]) \* \* \*", re.ASCII)
"""Pattern of a daily schedule, which is accepted without loading Dagster."""
_POSTGRES_URL = TypeAdapter(PostgresDsn)
_BYTES = TypeAdapter(ByteSize)


def absolute_where_a_path(value: str) -> str:
    """A path made absolute; a name or URL as it is."""
    is_path = value.startswith((".", "~", "/")) or (os.sep in value and "://" not in value)
    return str(Path(value).expanduser().absolute()) if is_path else value


def known_timezone(name: str) -> str:
    """The name of a timezone that the system knows."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # an unknown name, a malformed one, a folder of the database
        raise ValueError("expected the name of a timezone, such as UTC or Europe/Berlin") from None
    return name


def five_cron_fields(expression: str) -> str:
    """A schedule as five cron fields that Dagster accepts."""
    expected = "expected five cron fields (minute hour day month weekday), such as '0 2 * * *' for 02:00"
    if len(expression.split()) != 5:  # Dagster takes @daily too
        raise ValueError(expected)
    if _EVERY_DAY.fullmatch(expression):
        return expression
    from dagster import (  # seconds, and memory, that few commands need
        DagsterInvalidDefinitionError,
        ScheduleDefinition,
    )

    try:
        ScheduleDefinition(cron_schedule=expression, job_name="nightly")
    except DagsterInvalidDefinitionError:
        raise ValueError(expected) from None
    return expression


def memory_size(size: str) -> str:
    """A size of memory with its unit, such as `2GB`."""
    expected = "expected a size with its unit, such as 2GB or 512MB"
    try:
        if _BYTES.validate_python(size) < _LEAST_MEMORY:
            raise ValueError(expected)
    except ValidationError:
        raise ValueError(expected) from None
    return size.strip()


def retention_policies(text: str) -> str:
    """A retention that can be parsed."""
    from recsys_lineage.retention.policy import Policies

    try:
        Policies.parse(text)
    except LineageError as error:
        raise ValueError(f"expected {error.expected}") from None
    return text


def catalogs_namespace(namespace: str | None) -> str | None:
    """A namespace that catalogs accept."""
    if wrong := why_no_namespace(namespace or ""):
        raise ValueError(wrong.partition(";")[0])
    return namespace


def usable_postgres_url(url: SecretStr | None) -> SecretStr | None:
    """A URL of Postgres that SQLAlchemy and psycopg2 both accept."""
    expected = "expected postgresql://user:password@host:5432/database"
    try:
        parts = None if url is None else _POSTGRES_URL.validate_python(url.get_secret_value())
    except ValidationError:  # it repeats the URL
        raise ValueError(expected) from None
    # SQLAlchemy knows no postgres://, psycopg2 no postgresql+psycopg2://, and Dagster hands the URL to both.
    if parts is not None and (parts.scheme != "postgresql" or not (parts.path or "").strip("/")):
        raise ValueError(expected)
    return url


def bytes_of(size: str) -> int:
    """The bytes of a size with its unit."""
    return int(_BYTES.validate_python(size))
