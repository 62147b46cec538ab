"""TableCheck: a condition on a table that is checked before its new version becomes visible."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import duckdb

from recsys_lineage.assets.code.code_version import code_version
from recsys_lineage.assets.code.covered_code import CoveredCode
from recsys_lineage.assets.reading.guarded_code import guarded
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.reading.package_files import PackageFiles
from recsys_lineage.files.source_query import TRACED_COLUMNS
from recsys_lineage.lake.commits.draft import Draft
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.sql.names import quote
from recsys_lineage.sql.sql_text import SqlText

OUTPUT = "output"
"""The name under which a check's SQL reads the draft."""
_PLACES = 5
_SMALL = 1_000_000
"""The most rows of a table whose checks are counted in one statement, which takes the memory of all of them at once."""


@dataclass(frozen=True)
class TableCheck:
    """A check that runs on the draft of a table, before it is committed.

    Args:
        name: lower-case name, shown in the UI.
        description: what must be true, in words.
        sql: a SELECT over `output` (the draft) and the asset's inputs that returns the rows that break the rule.
        function: instead of `sql`: called with the inputs, whose `query` can read `output` too; returns what it found
            as words, counts and places. Words that could be values of a row are masked as `…`, and so are numbers that
            are not among the counts; see `Vocabulary`.
        blocking: whether a failure keeps the version from being committed.
        statements: SQL that the function runs; its messages may contain their text literals.
    """

    name: str
    description: str
    sql: str | None = None
    function: Callable[[Inputs], CheckOutcome] | None = None
    blocking: bool = False
    statements: tuple[str, ...] = ()

    @cached_property
    def version(self) -> str:
        """Sixteen hex digits that change with the rule, whether it blocks, and the code of its function; not with the
        words of its description."""
        facts = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "description"}
        facts["function"] = None if self.function is None else code_version(self.function, {})
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def run_checks(
    checks: Sequence[TableCheck],
    inputs: Inputs,
    connection: duckdb.DuckDBPyConnection,
    draft: Draft,
    plain: Callable[[CheckOutcome], CheckOutcome],
) -> Iterator[CheckOutcome]:
    """Run checks on a draft, one after the other; `plain` masks possible values in a function's messages.

    A check's function may open what the asset's own code may: nothing that the inputs do not note.
    """
    if checks:
        inputs.register(OUTPUT, connection.sql(f"FROM {draft.relation}"))
    columns = [column.name for column in draft.schema]
    texts = {
        check.name: SqlText(check.sql, f"the check {check.name}") for check in checks if check.sql is not None
    }
    counts = _counted_together(texts, connection) if draft.rows <= _SMALL else {}
    for check in checks:
        if check.function is not None:
            packages = PackageFiles(CoveredCode(check.function), _origin(check.function))
            with guarded(inputs.asset, code=check.function, inputs=inputs, packages=packages):
                found = check.function(inputs)
            found = plain(found)
        else:
            found = _broken_rows(check, texts[check.name], inputs, columns, counts.get(check.name))
        yield replace(
            found,
            blocking=check.blocking,
            description=check.description,
            severity="error" if check.blocking else "warn",
            version=check.version,
        )


def _origin(function: Callable[..., object]) -> str:
    return getattr(getattr(function, "__code__", None), "co_filename", "")


def _counted_together(texts: Mapping[str, SqlText], connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Numbers of rows that break the SQL checks that read only the draft, counted in one statement."""
    alone = {name: text for name, text in texts.items() if text.tables in ((), (OUTPUT,)) and not text.scans}
    counts = ", ".join(f"(SELECT count(*) FROM ({text.text}))" for text in alone.values())
    if not counts:
        return {}
    try:
        found = connection.execute(f"SELECT {counts}").fetchall()[0]
    except duckdb.InterruptException:
        raise
    except duckdb.Error:  # counted separately, the check that cannot run raises
        return {}
    return dict(zip(alone, found, strict=True))


def _broken_rows(
    check: TableCheck, text: SqlText, inputs: Inputs, columns: Sequence[str], broken: int | None
) -> CheckOutcome:
    """Outcome of a SQL check: the number of rows that break its rule, and their files and lines where the draft has
    them.

    Args:
        broken: the number of rows, if it was counted already.
    """
    looked_at = text.columns_read({OUTPUT: list(columns)})[OUTPUT] or ()
    if broken is None:
        broken = int(inputs.query(f"SELECT count(*) AS n FROM ({text.text})")["n"][0])
    if broken == 0:
        return CheckOutcome(check.name, True, "no row breaks the rule", columns=looked_at, counts={"rows": 0})
    return CheckOutcome(
        check.name,
        False,
        f"{broken:,} rows break the rule: {check.description}",
        columns=looked_at,
        counts={"rows": broken},
        where=_places(text.text, inputs, columns),
    )


def _places(sql: str, inputs: Inputs, columns: Sequence[str]) -> tuple[str, ...]:
    """`file:line` of the first rows that break a rule; empty if neither the check nor the draft has them."""
    given = inputs.query(f"SELECT * FROM ({sql}) LIMIT 0").columns
    source = f"({sql})"
    if not set(TRACED_COLUMNS) <= set(given):
        shared = [name for name in given if name in columns]
        if not shared or not set(TRACED_COLUMNS) <= set(columns):
            return ()
        same = " AND ".join(
            f"rows.{quote(name)} IS NOT DISTINCT FROM broken.{quote(name)}" for name in shared
        )
        source = f"(SELECT rows.* FROM {OUTPUT} AS rows SEMI JOIN ({sql}) AS broken ON {same})"
    found = inputs.query(
        f"SELECT DISTINCT _file, _line FROM {source} WHERE _file IS NOT NULL ORDER BY ALL LIMIT {_PLACES}"
    )
    return tuple(f"{file}:{line}" for file, line in found.iter_rows())


def unique(*columns: str) -> TableCheck:
    """Blocking: no two rows share these columns' values."""
    names = ", ".join(quote(column) for column in columns)
    return TableCheck(
        f"unique_{'_'.join(columns)}",
        f"no two rows share {', '.join(columns)}",
        f"SELECT {names}, count(*) AS rows FROM {OUTPUT} GROUP BY {names} HAVING count(*) > 1",
        blocking=True,
    )


def not_null(*columns: str) -> TableCheck:
    """Blocking: these columns have a value in every row."""
    broken = " OR ".join(f"{quote(column)} IS NULL" for column in columns)
    return TableCheck(
        f"not_null_{'_'.join(columns)}",
        f"{', '.join(columns)} have a value in every row",
        f"SELECT * FROM {OUTPUT} WHERE {broken}",
        blocking=True,
    )


def not_empty() -> TableCheck:
    """Blocking: the table has at least one row."""
    return TableCheck(
        "not_empty",
        "the table has at least one row",
        f"SELECT 'no rows' AS problem WHERE NOT EXISTS (SELECT 1 FROM {OUTPUT})",
        blocking=True,
    )
