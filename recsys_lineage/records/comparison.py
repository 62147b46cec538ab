"""Comparison: the differences between two runs of one asset, according to their records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any, Literal

from recsys_lineage.records.materialization import Materialization

Aspect = Literal[
    "code", "parameter", "library", "source", "start", "rows", "column", "values", "statistic", "check"
]
_NULLS = 0.01
"""The least change of a column's share of NULLs that is reported."""
_CONTEXT = 1


@dataclass(frozen=True)
class Difference:
    """One difference between two runs.

    Attributes:
        aspect: the kind of thing: code, a parameter, a library's version, the content of the source (source), the
            asset's own version from which it started (start), the number of rows, a column's type (column) or share of
            NULLs (values), a number or text in the asset's statistics (statistic), or a check.
        name: the name of the parameter, library, column, statistic or check; the location of the code.
        before, after: plain values; None where there was none.
        text: for code, the unified diff; empty if the asset's own text is the same and only something that it uses
            changed.
    """

    aspect: Aspect
    name: str
    before: Any
    after: Any
    text: str = ""

    @property
    def is_origin(self) -> bool:
        """Whether it is a cause by itself, unlike another starting version, which has its own causes."""
        return self.aspect != "start" or None in (self.before, self.after)

    @property
    def change(self) -> float | None:
        """The change relative to before; None where these are no numbers, or before was 0."""
        if not (_is_number(self.before) and _is_number(self.after)) or not self.before:
            return None
        return (self.after - self.before) / abs(self.before)


def causes(before: Materialization, after: Materialization) -> tuple[Difference, ...]:
    """The differences in what two runs were given, apart from their inputs: code, parameters, source, start.

    `libraries` reports libraries; the differences of inputs need the lake.
    """
    found: list[Difference] = []
    given = tuple(_named("parameter", before.parameters, after.parameters))
    if before.code_version != after.code_version and not (given and _is_same_code(before, after)):
        text = "\n".join(
            unified_diff(
                before.code.text.splitlines(),
                after.code.text.splitlines(),
                "before",
                "after",
                "",
                "",
                _CONTEXT,
                "",
            )
        )
        found.append(Difference("code", after.code.origin, before.code_version, after.code_version, text))
    found.extend(given)
    if before.observed != after.observed:
        found.append(Difference("source", after.asset, before.observed, after.observed))
    start = _start(before), _start(after)
    if start[0] != start[1]:
        found.append(Difference("start", after.asset, *start))
    return tuple(found)


def libraries(before: Materialization, after: Materialization) -> tuple[Difference, ...]:
    """The libraries whose versions differ between two runs."""
    return tuple(_named("library", before.engine, after.engine))


def outcomes(before: Materialization, after: Materialization) -> tuple[Difference, ...]:
    """The differences in the results of two runs: rows, columns, shares of NULLs, statistics, and checks."""
    found: list[Difference] = []
    if before.rows != after.rows:
        found.append(Difference("rows", "rows", before.rows, after.rows))
    found.extend(
        _named(
            "column",
            {column.name: column.type for column in before.schema},
            {column.name: column.type for column in after.schema},
        )
    )
    found.extend(_values(before, after))
    statistics = (
        {name: value for name, value in record.statistics.items() if name not in record.parameters}
        for record in (before, after)
    )
    found.extend(_named("statistic", *statistics))
    found.extend(
        _named(
            "check",
            {check.name: "passed" if check.passed else check.found for check in before.checks},
            {check.name: "passed" if check.passed else check.found for check in after.checks},
            known_in_both=True,
        )
    )
    return tuple(found)


def _named(
    aspect: Aspect, before: Mapping[str, Any], after: Mapping[str, Any], *, known_in_both: bool = False
) -> Iterator[Difference]:
    """The values of two mappings that differ; those of nested mappings as `outer.inner`."""
    one, other = dict(_flat(before)), dict(_flat(after))
    for name in dict.fromkeys([*one, *other]):
        if known_in_both and not (name in one and name in other):
            continue
        if _text(one.get(name)) != _text(other.get(name)):
            yield Difference(aspect, name, _plain(one.get(name)), _plain(other.get(name)))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _values(before: Materialization, after: Materialization) -> Iterator[Difference]:
    one, other = _nulls(before), _nulls(after)
    for name in one:
        if name in other and abs(one[name] - other[name]) >= _NULLS:
            yield Difference("values", name, one[name], other[name])


def _nulls(record: Materialization) -> dict[str, float]:
    """The share of NULLs in each column; empty if the run wrote only a part of the rows, or they were not counted."""
    if record.written is None or not record.rows:
        return {}
    partitions = record.written.partitions
    if partitions and sum(part.rows for part in partitions.values()) != record.rows:
        return {}
    columns = record.written.columns.items()
    return {name: column.nulls / record.rows for name, column in columns if column.nulls is not None}


def _start(record: Materialization) -> int | None:
    """The asset's own version of which a run read rows, not only the record."""
    read = record.read(record.asset, "previous")
    return None if read is None or read.partitions == () else read.version


def _is_same_code(before: Materialization, after: Materialization) -> bool:
    """Whether a code version can differ only by its parameters: both ran one commit without changes."""
    commits = before.git_commit, after.git_commit
    return commits[0] == commits[1] is not None and not (before.git_dirty or after.git_dirty)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))
