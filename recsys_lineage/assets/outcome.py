"""Outcome: the result of materializing an asset, and the error of a failed blocking check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from recsys_lineage.assets.asset_code import Output
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.failure import LEFT_OUT


class BlockingCheckFailed(LineageError):
    """A blocking check failed, and the new version was not committed."""


def _nothing(value: Any) -> Any:
    return LEFT_OUT


@dataclass(frozen=True)
class Outcome:
    """Result of materializing an asset.

    Attributes:
        record: the record; for a kept version, with the checks and statistics from when it was written.
        version: the version that was written, or kept; None where nothing was committed.
        output: the return value of the code; None where the asset was kept or its code failed.
        reason: why the asset was made, or that it was kept, in words.
        error: what went wrong.
        warnings: sentences for people.
        plain: masks everything in a JSON value from the code that could be a cell of a table.
    """

    record: Materialization
    version: TableVersion | None = None
    output: Output | None = None
    reason: str | None = None
    error: BaseException | None = None
    warnings: tuple[str, ...] = ()
    plain: Callable[[Any], Any] = field(default=_nothing, compare=False, repr=False)
