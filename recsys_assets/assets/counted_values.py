"""Counts by value: what a check asks of a table, and the counts in words."""

from __future__ import annotations

from collections.abc import Mapping

from recsys_lineage.assets.reading.inputs import Inputs


def counts_by_value(inputs: Inputs, sql: str) -> dict[str, int]:
    """The answer of a SELECT of values and their counts."""
    return dict(inputs.query(sql).iter_rows())


def counts_in_words(counts: Mapping[str, int]) -> str:
    """Each value with its count, as a text."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
