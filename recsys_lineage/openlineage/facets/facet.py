"""Facets as JSON objects, each with the URL of the schema that the client's class names."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from openlineage.client.generated.base import BaseFacet

REPOSITORY = "recsys-lineage/recsys-lineage"
"""Owner and name of this project's repository, as in pyproject.toml. In events it only names the code that made them;
nothing is fetched from there."""
PRODUCER = f"https://github.com/{REPOSITORY}/tree/main/recsys_lineage/openlineage"
"""URI of the producer: the code that makes the events."""
Json = dict[str, Any]


class SharedJson(Json):
    """A JSON object shared by several events: it does not change any more, so it is serialised once."""

    __slots__ = ("_text",)

    def text(self) -> orjson.Fragment:
        """Its JSON text, with sorted keys.

        Raises:
            TypeError: it contains a value that `orjson` does not support.
        """
        try:
            return self._text
        except AttributeError:
            self._text = orjson.Fragment(serialised({**self}))
            return self._text


def serialised(value: Json) -> bytes:
    """A JSON object as UTF-8 with sorted keys.

    Raises:
        TypeError: it contains a value that `orjson` does not support: a number beyond 64 bits, or a lone surrogate.
    """
    return orjson.dumps(value, _plain, orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS)


def _plain(value: Any) -> Any:
    """Plain form of values that `orjson` passes to this function, such as objects of derived classes."""
    if isinstance(value, SharedJson):
        return value.text()
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, list):
        return [*value]
    if isinstance(value, dict):
        return {**value}
    raise TypeError(f"{type(value).__name__} is not JSON")


def facet(kind: type[BaseFacet], **fields: Any) -> Json:
    """A facet of one of the client's classes; fields that are None are left out."""
    found: Json = {"_producer": PRODUCER, "_schemaURL": schema_url(kind)}
    for name, value in fields.items():
        if value is not None:
            found[name] = value
    return found


@cache
def schema_url(kind: type[BaseFacet]) -> str:
    """The URL of a facet's JSON schema."""
    return kind._get_schema()


def without_nothing(**fields: Any) -> Json:
    """A JSON object without its None members."""
    return {name: value for name, value in fields.items() if value is not None}
