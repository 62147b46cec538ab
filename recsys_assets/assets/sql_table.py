"""SqlTable: a table that is one SQL file of this package, with all that is said of it in Python."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import dagster as dg

from recsys_assets.assets.looks import look
from recsys_assets.assets.run_options import setting_options
from recsys_assets.settings import Settings
from recsys_assets.shop.source import Source
from recsys_assets.sql import load_sql, parameters_of
from recsys_assets.sql.load import FOLDER
from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.orchestration.sql_asset import sql_asset
from recsys_lineage.records.records import Records
from recsys_lineage.sql.sql_text import SqlText


@dataclass(frozen=True)
class SqlTable:
    """A table that is one SQL file. Its columns with their texts, its description and what it reads are in that file.

    Attributes:
        sql: the file below `recsys_assets/sql`; its folder is the table's group, its name the table's.
        checks: what must be true of the table, whatever the source.
        checks_for: further checks, for a source and the values of its settings.
        parameters: values that the text names as `$parameter`, beside those of settings.
        personal: reason why the table may hold personal data; a table without one may not.
        waits_for: assets that it does not read, but for whose blocking checks it waits.
        shown: plot that Dagster shows with each materialization.
        follows_champion: whether the table changes only with what is served, so that automation makes it after a new
            champion and not after each of its inputs.
    """

    sql: str
    checks: tuple[TableCheck, ...] = ()
    checks_for: Callable[[Source, Mapping[str, Any]], tuple[TableCheck, ...]] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    personal: str | None = None
    waits_for: tuple[str, ...] = ()
    shown: Callable[[Records], Mapping[str, Any]] | None = None
    follows_champion: bool = False

    @property
    def group(self) -> str:
        """Dagster's group: the folder of the file."""
        return PurePosixPath(self.sql).parent.name

    @property
    def name(self) -> str:
        """The table's name: that of the file."""
        return PurePosixPath(self.sql).stem

    def asset(self, source: Source, settings: Settings) -> dg.AssetsDefinition:
        """The Dagster asset, with the values that the text names as `$parameter`."""
        text, values = _packaged(self.group, self.name), _setting_values(source, settings)
        parameters = parameters_of(text.text, {**values, **self.parameters})
        more = () if self.checks_for is None else self.checks_for(source, values)
        return sql_asset(
            text,
            name=self.name,
            parameters=parameters,
            options=setting_options(parameters),
            checks=(*self.checks, *more),
            look=look(self.group, deps=self.waits_for, personal=self.personal, shown=self.shown),
        )


def _setting_values(source: Source, settings: Settings) -> dict[str, Any]:
    weeks = source.settings.holdout_weeks or settings.holdout_weeks
    return {**source.parameters(), "holdout_weeks": weeks}


@functools.cache
def _packaged(group: str, name: str) -> SqlText:
    """SQL file of this package; its text and analysis are cached for the life of the process."""
    return SqlText(load_sql(group, name), str(FOLDER / group / f"{name}.sql"))
