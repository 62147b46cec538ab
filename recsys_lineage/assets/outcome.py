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
    """A blocking check found the new version wrong; it was not committed."""


def _nothing(value: Any) -> Any:
    return LEFT_OUT


@dataclass(frozen=True)
class Outcome:
    """Result of materializing an asset.

    Attributes:
        record: what happened; of a version that was kept, with the checks and statistics of when it was written.
        version: the version that was written, or kept; None where nothing was committed.
        output: what the code handed back; None where the asset was kept or its code failed.
        reason: why the asset was made, or that it was kept, in words.
        error: what went wrong.
        warnings: what a person should know of, in words.
        plain: of a JSON value that the code handed back, what may be kept: nothing that could be a cell of a table.
    """

    record: Materialization
    version: TableVersion | None = None
    output: Output | None = None
    reason: str | None = None
    error: BaseException | None = None
    warnings: tuple[str, ...] = ()
    plain: Callable[[Any], Any] = field(default=_nothing, compare=False, repr=False)
