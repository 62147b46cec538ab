"""Name rules: names of jobs and datasets that the schemas allow but that a catalog changes or cannot look up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from recsys_lineage.openlineage.translation.event_parts import dataset_key, datasets_of
from recsys_lineage.openlineage.translation.naming import LONGEST_NAME, why_no_namespace
from recsys_lineage.openlineage.validation.fault import Fault

RULE = "catalog-names"


def name_faults(event: Mapping[str, Any]) -> Iterator[Fault]:
    """Names in an event that a catalog would change or cannot look up."""
    named = [("$.job", event.get("job")), ("$.dataset", event.get("dataset"))]
    for place, each in (*named, *datasets_of(event, "inputs"), *datasets_of(event, "outputs")):
        key = dataset_key(each)
        if key is None:
            continue
        namespace, name = key
        if not namespace or not name:
            yield Fault(RULE, "expected a namespace and a name; found an empty one", place)
        if (wrong := why_no_namespace(namespace)) is not None:
            yield Fault(RULE, f"the namespace: {wrong}", place)
        if len(name) > LONGEST_NAME:
            yield Fault(
                RULE, f"the name: expected at most {LONGEST_NAME} characters; found {len(name):,}", place
            )
