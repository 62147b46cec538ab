"""Schemas: validates an event and each of its facets against the official schemas."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match

from recsys_lineage.openlineage.translation.event_parts import FacetPart, facets_of, without_facets
from recsys_lineage.openlineage.validation.fault import Fault
from recsys_lineage.openlineage.validation.spec import EVENT, OFFICIAL, Spec

_PARTS: tuple[set[str], ...] = ({"run", "job"}, {"dataset"}, {"job"})
_ALSO = {("dataQualityAssertions", "OutputDatasetFacet")}
"""Facets allowed in addition: the specification has assertions only for inputs, but a check of an output has no other
place."""
_REMEMBERED = 20_000
_MOST_OF_A_PART = 20
_MOST_UNKNOWN = 1_000
OTHERS = "others"
"""Stands for all further URLs of unknown schemas, whose number in a stream is unlimited."""


class Schemas:
    """Validator of events against the official schemas.

    An event is validated against the schema in its `schemaURL`, each facet against the one in its `_schemaURL`.
    Third-party schemas are unknown: such a facet is validated against the base of all facets, and counted.

    Args:
        spec: the source of the schemas.

    Attributes:
        unknown: URL of an unknown schema → the number of its uses.
    """

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._validators: dict[str, Draft202012Validator] = {}
        self._known: OrderedDict[bytes, tuple[Fault, ...]] = OrderedDict()
        self.unknown: Counter[str] = Counter()

    def faults(self, event: Mapping[str, Any]) -> Iterator[Fault]:
        """Violations of schemas in an event."""
        yield from self._of_event(event)
        for part in facets_of(event):
            for fault in self._of_facet(part):
                yield Fault(fault.rule, fault.message, f"{part.place}{fault.place[1:]}")

    def _of_event(self, event: Mapping[str, Any]) -> Iterator[Fault]:
        named = event.get("schemaURL")
        address, _, fragment = named.partition("#") if isinstance(named, str) else (EVENT, "", "")
        kind = fragment.removeprefix("/$defs/")
        expected = "RunEvent" if "run" in event else "DatasetEvent" if "dataset" in event else "JobEvent"
        if not address.startswith(f"{OFFICIAL}/") or not self._spec.has(address):
            self._count_unknown(address)
            address = EVENT
        elif fragment and kind != expected:
            yield Fault("schema-url", f"expected #/$defs/{expected}, found #{fragment}", "$.schemaURL")
        bare = without_facets(event)
        if not self._validator(address).is_valid(bare):
            # The whole schema reports only that none of three fits; that of the event's own type reports the reason.
            found = list(_faults(self._validator(f"{address}#/$defs/{expected}"), bare))
            yield from found or [
                Fault("schema", "it is not exactly one of a run's, a dataset's or a job's event")
            ]

    def _of_facet(self, part: FacetPart) -> tuple[Fault, ...]:
        text = json.dumps([part.kind, part.name, part.value], separators=(",", ":"))
        key = hashlib.blake2b(text.encode(), digest_size=16).digest()
        found = self._known.get(key)
        url = part.value.get("_schemaURL") if isinstance(part.value, Mapping) else None
        if found is None:
            found = self._known[key] = tuple(self._facet_faults(part, url))
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        if isinstance(url, str) and not self._spec.has(url.partition("#")[0]):
            self._count_unknown(url)
        return found

    def _count_unknown(self, url: str) -> None:
        self.unknown[url if url in self.unknown or len(self.unknown) < _MOST_UNKNOWN else OTHERS] += 1

    def _facet_faults(self, part: FacetPart, url: object) -> Iterator[Fault]:
        yield from _faults(self._validator(f"{EVENT}#/$defs/{part.kind}"), part.value)
        if not isinstance(url, str):
            return
        address, _, fragment = url.partition("#")
        document = self._spec.document(address)
        if document is None:
            return
        names = document.get("properties", {})
        if names and part.name not in names:
            expected = " or ".join(names)
            yield Fault(
                "facet-name", f"expected the name {expected}, which its schema gives; found {part.name}"
            )
        if not self._spec.has(url):
            yield Fault("schema-url", f"{address} has no {fragment!r}", "$._schemaURL")
            return
        if not names:
            kind = fragment.rpartition("/")[2]
            if kind.endswith("Facet") and kind not in (part.kind, "BaseFacet"):
                yield Fault("facet-place", f"expected a {part.kind} here, found a {kind}")
        else:
            extended = _extends(document, part.name)
            if extended not in (None, part.kind) and (part.name, part.kind) not in _ALSO:
                yield Fault("facet-place", f"expected a {part.kind} here; its schema makes it a {extended}")
        if fragment:
            yield from _faults(self._validator(url), part.value)
        elif part.name in names:
            for fault in _faults(self._validator(address), {part.name: part.value}):
                yield Fault(fault.rule, fault.message, "$" + fault.place.removeprefix(f"$.{part.name}"))

    def _validator(self, url: str) -> Draft202012Validator:
        found = self._validators.get(url)
        if found is None:
            found = self._validators[url] = Draft202012Validator(
                {"$ref": url},
                registry=self._spec.registry,  # pyright: ignore[reportArgumentType]
                format_checker=Draft202012Validator.FORMAT_CHECKER,
            )
        return found


def _faults(validator: Draft202012Validator, value: Any) -> Iterator[Fault]:
    for number, error in enumerate(validator.iter_errors(value)):
        if number == _MOST_OF_A_PART:
            return
        inner = best_match(error.context) if error.context else None
        error = inner or error
        yield Fault("schema", _message(error), error.json_path)


def _message(error: ValidationError) -> str:
    if error.validator == "format":
        return f"{error.instance!r} is no {error.validator_value}"
    return error.message


def _extends(document: Mapping[str, Any], name: str) -> str | None:
    """The kind of facet that a facet's schema extends; None where it names none."""
    reference = document.get("properties", {}).get(name, {}).get("$ref", "")
    definition = document.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {})
    for each in definition.get("allOf", ()):
        kind = str(each.get("$ref", "")).rpartition("OpenLineage.json#/$defs/")[2]
        if kind.endswith("Facet"):
            return kind
    return None
