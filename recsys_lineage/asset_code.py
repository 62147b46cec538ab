"""AssetCode: what defines an asset apart from the orchestrator, and what its code hands back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa

from recsys_lineage.checks import TableCheck
from recsys_lineage.materialization import Code, Materialization

REUSE_TAG = "lineage/reuse"


@dataclass(frozen=True)
class AssetCode:
    """One asset: its code, what it depends on, and what must be true of its output.

    `observe` is set for an asset that looks at the outside world: it returns a short text that changes when what
    the asset would see changes.
    """

    name: str
    code: Code
    code_version: str
    upstream: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    checks: tuple[TableCheck, ...] = ()
    column_descriptions: Mapping[str, str] = field(default_factory=dict)
    observe: Callable[[], str] | None = None


@dataclass(frozen=True)
class Query:
    """A SELECT that DuckDB is to run into the asset's table."""

    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Output:
    """What an asset's code hands back.

    Args:
        data: the table's content.
        partition_by: the column whose values are partitions.
        partitions: the partitions written, each also when it has no rows; all when None.
        statistics: plain JSON values to keep in the record; numbers and texts also show in the UI.
        metadata: more for the UI only, such as plots.
        failures: per partition that could not be written, why; the others are.
        found_partitions: name of a DynamicPartitionsDefinition and keys that it should have from now on.
    """

    data: Query | pl.DataFrame | pl.LazyFrame | pa.Table
    partition_by: str | None = None
    partitions: Sequence[str] | None = None
    statistics: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    found_partitions: tuple[str, Sequence[str]] | None = None


@dataclass(frozen=True)
class Request:
    """What a run asks of an asset.

    Args:
        partitions: the partitions named by the run; None when it named none.
        previous: the record of the latest version, if there is one.
        reuse: whether parts that are still right may be kept.
    """

    partitions: list[str] | None
    previous: Materialization | None
    reuse: bool


class Unchanged:
    """Handed back instead of an Output when everything that was asked for is still right."""
