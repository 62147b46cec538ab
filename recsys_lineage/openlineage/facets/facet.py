"""Facets as JSON objects, each with the address of the schema that the client's class of it names."""

from __future__ import annotations

from functools import cache
from typing import Any

from openlineage.client.generated.base import BaseFacet

REPOSITORY = "recsys-lineage/recsys-lineage"
"""Owner and name of this project's repository, as pyproject.toml has it too. In events it is a name and no more: it
says which code made them, and nothing is fetched from there."""
PRODUCER = f"https://github.com/{REPOSITORY}/tree/main/recsys_lineage/openlineage"
"""Who says it: the code that makes events."""
Json = dict[str, Any]


def facet(kind: type[BaseFacet], **fields: Any) -> Json:
    """A facet of one of the client's classes; fields that are None are left out."""
    found: Json = {"_producer": PRODUCER, "_schemaURL": schema_url(kind)}
    for name, value in fields.items():
        if value is not None:
            found[name] = value
    return found


@cache
def schema_url(kind: type[BaseFacet]) -> str:
    """The address of a facet's JSON schema."""
    return kind._get_schema()


def without_nothing(**fields: Any) -> Json:
    """A JSON object without what is None."""
    return {name: value for name, value in fields.items() if value is not None}
