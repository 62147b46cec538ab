"""Shown values: parameters as an event shows them, without secrets."""

from __future__ import annotations

from typing import Any

from recsys_lineage.records.parts.secret_names import is_secret
from recsys_lineage.records.parts.url_secrets import HIDDEN, without_secrets


def shown_value(name: str, value: Any) -> Any:
    """A parameter's value for display; hidden if its name is that of a secret."""
    if is_secret(name, value):
        return HIDDEN
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {str(key): shown_value(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [shown_value("", inner) for inner in value]
    return value
