"""The official schemas of events and facets, and what is wrong with an event by them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

import recsys_lineage.openlineage as package

ROOT = Path(package.__file__).parents[2]
SPECIFICATION = ROOT.parent / "shared" / "openlineage" / "spec"
OWN = Path(package.__file__).parent / "schemas"
needs_specification = pytest.mark.skipif(
    not SPECIFICATION.is_dir(), reason=f"the official schemas are not at {SPECIFICATION}"
)


@cache
def registry() -> Registry[Any]:
    """All schemas by their ids."""
    found = [
        json.loads(path.read_text()) for folder in (SPECIFICATION, OWN) for path in folder.rglob("*.json")
    ]
    resources = [(each["$id"], Resource(each, DRAFT202012)) for each in found]
    return Registry().with_resources(resources)  # pyright: ignore[reportReturnType]


def faults(event: Mapping[str, Any]) -> list[str]:
    """What the official schemas refuse of an event and each of its facets."""
    found = list(_refused(event["schemaURL"], event, "event"))
    for name, facet, where in facets(event):
        url, _, fragment = facet["_schemaURL"].partition("#")
        known = registry().get(url)
        if known is None:
            found.append(f"{where}.{name}: no schema is published as {url}")
            continue
        if name not in _names(url):
            found.append(f"{where}.{name}: {url} has no such facet, but {sorted(_names(url))}")
        found += _refused(f"{url}#{fragment}", facet, f"{where}.{name}")
    return found


def facets(event: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Name, facet and place of each facet of an event."""
    holders = [("run", "facets"), ("job", "facets"), ("dataset", "facets")]
    for part, key in holders:
        for name, facet in event.get(part, {}).get(key, {}).items():
            yield name, facet, part
    for part, key in (("inputs", "inputFacets"), ("outputs", "outputFacets")):
        for dataset in event.get(part, ()):
            for holder in ("facets", key):
                for name, facet in dataset.get(holder, {}).items():
                    yield name, facet, f"{part}.{holder}"


def _refused(url: str, instance: Any, where: str) -> Iterator[str]:
    for error in _validator(url).iter_errors(instance):
        yield f"{where}: {error.json_path}: {error.message[:300]}"


@cache
def _validator(url: str) -> Draft202012Validator:
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator({"$ref": url}, registry=registry(), format_checker=checker)


@cache
def _names(url: str) -> frozenset[str]:
    contents = registry().contents(url)
    if "BaseSubsetDatasetFacet" in url:
        return frozenset({"subset"})
    return frozenset(contents["properties"])
