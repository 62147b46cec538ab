"""AssetCode: the definition of an asset without an orchestrator, and what its code returns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.code.covered_code import CoveredCode
from recsys_lineage.assets.code.parameters import as_recorded
from recsys_lineage.assets.options import Options, set_parameters
from recsys_lineage.assets.reading.guarded_functions import guarded_function
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.reading.package_files import PackageFiles
from recsys_lineage.columns.frames.declared import ColumnsFrom, Origins
from recsys_lineage.columns.tags import Tag, split_description
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.lake_tables import NAMES, is_table_name
from recsys_lineage.records.materialization import Code, Materialization, TrainingData
from recsys_lineage.records.parts.row_keys import RowKeys
from recsys_lineage.records.records import RESERVED

REUSE_TAG = "lineage/reuse"
"""Tag of runs that keep an asset whose result would not change."""
CONTINUE_TAG = "lineage/continue"
"""Tag of runs in which an asset may start from its own previous version."""
RENAMED_TAG = "lineage/renamed"
"""Tag of runs in which an asset may continue a table that it made under another key."""


@dataclass(frozen=True)
class AssetCode:
    """One asset: its code, its dependencies, and the checks of its output.

    `observe` is set for an asset that reads the outside world: it returns a short text that changes when the asset's
    result would. `takes` is set for an asset that uses only a part of its upstream tables: from the lake it returns a
    plain JSON value that changes when that part does. The asset's outputs carry the same value (`Output.takes`); while
    both are equal, changes of the other parts make nothing stale. The record keeps days, names of tables and digests
    (`digest_of`) of it, and of all other texts a digest. `due` gets the record of the latest version and returns, in
    words, why that version is out of date although no input changed, as when a day has come. `remade` returns the asset
    for other values of the parameters; None for an asset that cannot be reproduced from tables alone. `covers` is the
    first-party code that the code version covers. `on_request` marks an asset that is materialized only on request: its
    age or absence makes nothing downstream stale. `opens` names the files and folders outside the lake that its SQL may
    open; it can open no others. `options` are parameters that a single run may set (`Request.options`). With `remade`,
    the run makes the asset for these values; its code version differs, so the next run without them makes it again.
    Without `remade`, the code reads the options from its Request, and they make nothing stale. `columns_from` declares
    the origins of each column of an asset with opaque code, `rows_from` the columns that decide which rows it has.
    `column_types` are DuckDB's types of its columns, for an asset whose code does not determine them before the first
    run. `looks_at` names tables that it may read only to check them: the graph shows no dependency. `cleared` maps each
    column tag whose data the asset may hold to the reason; a change of it makes nothing stale. `keys` are the columns
    that match rows of the output to rows of the inputs, for row traces.
    """

    name: str
    code: Code
    code_version: str
    upstream: tuple[str, ...]
    compute: Compute
    parameters: Mapping[str, Any] = field(default_factory=dict)
    checks: tuple[TableCheck, ...] = ()
    column_descriptions: Mapping[str, str] = field(default_factory=dict)
    observe: Callable[[], str] | None = None
    takes: Callable[[Lake], Any] | None = None
    due: Callable[[Materialization], str | None] | None = None
    remade: Callable[[Mapping[str, Any]], AssetCode] | None = None
    on_request: bool = False
    covers: CoveredCode | None = None
    opens: tuple[Path, ...] = ()
    options: Options = field(default_factory=dict)
    columns_from: ColumnsFrom | None = None
    rows_from: Origins = field(default_factory=dict)
    column_types: Mapping[str, str] = field(default_factory=dict)
    cleared: Mapping[str, str] = field(default_factory=dict)
    keys: RowKeys = field(default_factory=RowKeys)
    looks_at: tuple[str, ...] = ()

    @property
    def column_tags(self) -> dict[str, tuple[Tag, ...]]:
        """The tags in the descriptions of its columns."""
        tags = {column: split_description(text)[1] for column, text in self.column_descriptions.items()}
        return {column: given for column, given in tags.items() if given}

    @property
    def check_versions(self) -> dict[str, str]:
        """The version of each check, by its name."""
        return {check.name: check.version for check in self.checks}

    @property
    def package_files(self) -> PackageFiles:
        """The files of first-party packages that its code may open: those that its code version covers."""
        return PackageFiles(self.covers, self.code.origin)

    def with_parameters(self, parameters: Mapping[str, Any]) -> AssetCode:
        """The asset for other values of its parameters.

        Raises:
            LineageError: it cannot be reproduced from tables alone.
        """
        if self.remade is None:
            raise LineageError(f"{self.name} cannot be made with other parameters.", where=self.code.origin)
        return replace(self.remade(parameters), cleared=self.cleared)

    def with_options(self, options: Mapping[str, Any]) -> AssetCode:
        """The asset with the options of a run; itself where they equal its parameters.

        Raises:
            OptionRefused: there is no such option, or a value is not allowed.
        """
        found = set_parameters(self.name, self.options, options)
        if not found:
            return self
        if self.remade is None:
            return replace(self, parameters={**self.parameters, **as_recorded(found)})
        merged = {
            name: {**self.parameters[name], **value} if isinstance(self.options[name], Mapping) else value
            for name, value in found.items()
        }
        return self.with_parameters({**self.parameters, **merged})

    def __post_init__(self) -> None:
        self._guard_functions()
        if not is_table_name(self.name):
            raise LineageError(
                f"{self.name!r} cannot be the name of an asset and its table.",
                expected=NAMES,
                found=self.name,
                where=self.code.origin,
                advice=f"give it one, as in name={_like(self.name)!r}, or rename the file or the function",
            )
        if self.name in RESERVED:
            raise LineageError(
                f"An asset cannot be named {self.name!r}.",
                expected=f"another name than {', '.join(RESERVED)}",
                found=self.name,
                where=self.code.origin,
                advice="rename the asset; the lake keeps its records in tables of these names",
            )
        for tag, reason in self.cleared.items():
            if not reason.strip():
                raise LineageError(
                    f"{self.name} is cleared for {tag} without a reason.",
                    expected="in words, why the asset may hold such data",
                    where=self.code.origin,
                )

    def _guard_functions(self) -> None:
        """Guard every function of the author, so that each reads, wherever it is called, only what it is given."""
        object.__setattr__(self, "observe", guarded_function(self.name, self.observe, looks_outside=True))
        for name in ("takes", "due", "remade"):
            object.__setattr__(self, name, guarded_function(self.name, getattr(self, name)))


def _like(name: str) -> str:
    """A name that a table can have, as close as possible to one that is not allowed."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:120] or "table"
    return f"t_{words}" if words[0].isdigit() else words


@dataclass(frozen=True)
class Query:
    """A SELECT for DuckDB to run into the asset's table.

    `explain` translates an error of DuckDB about it for the author of the code; it returns None where the error is
    clear enough. `text` is the statement as it was written, where `sql` names each file that it reads.
    """

    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    explain: Callable[[Exception], LineageError | None] | None = field(default=None, compare=False)
    text: str | None = None


@dataclass(frozen=True)
class Output:
    """Return value of an asset's code.

    Args:
        data: the table's content. A table larger than memory is an iterator of frames, blocks of its rows; each is
            stored before the next one is made.
        partition_by: the column whose values are partitions.
        partitions: the partitions written, those without rows included; all when None.
        statistics: plain JSON values to keep in the record; numbers and texts also show in the UI.
        takes: the part of its inputs that the asset used, see `AssetCode.takes`.
        trained_on: for a model, its training data.
        metadata: more for the UI only. Texts are masked like those of a record; a picture is a Plot, drawn from masked
            texts.
        warnings: sentences for people, shown as warnings in the run's log.
        failures: partition that could not be written → why; the others are written.
        partition_files: partition → the files that it comes from, among those read; shown in the UI.
        found_partitions: name of a DynamicPartitionsDefinition and keys that it should have from now on.
        otherwise: function that gets DuckDB's error at a value, and returns an Output to write instead, or None.
        columns_from: like `AssetCode.columns_from`, where only a run knows it, or knows it more precisely.
    """

    data: Query | pl.DataFrame | pl.LazyFrame | pa.Table | Iterator[pl.DataFrame]
    partition_by: str | None = None
    partitions: Sequence[str] | None = None
    statistics: Mapping[str, Any] = field(default_factory=dict)
    takes: Any = None
    trained_on: Sequence[TrainingData] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    partition_files: Mapping[str, Collection[str]] = field(default_factory=dict)
    found_partitions: tuple[str, Sequence[str]] | None = None
    otherwise: Callable[[Exception], Output | None] | None = field(default=None, compare=False)
    columns_from: Callable[[], ColumnsFrom] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Request:
    """Request of a run for an asset.

    Args:
        partitions: the run's partitions; None when it named none.
        reuse: whether parts that are up to date may be kept.
        continues: whether the asset may start from its own previous version.
        renamed: whether the asset's table may have been made under another key of the orchestrator.
        options: values for the asset's options, in place of those in the settings.
        code_version: the asset's code version in this run.
        work: a folder for working files, such as checkpoints; None where there is none.
    """

    partitions: list[str] | None = None
    reuse: bool = False
    continues: bool = False
    renamed: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    code_version: str = ""
    work: Path | None = None


class Unchanged:
    """Result in place of an Output when everything requested is up to date."""


Compute = Callable[[Inputs, Request], "Output | Unchanged"]
"""An asset's code: reads through its inputs, returns its output."""
