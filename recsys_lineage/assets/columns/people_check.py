"""PeopleCheck: counts the people behind each value of a statistic, which loses the tags of people only if there are
enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from recsys_lineage.assets.asset_code import Query
from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.columns.query_columns import People, query_columns
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.errors import LineageError
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.sql.having import with_having
from recsys_lineage.sql.names import quote
from recsys_lineage.sql.sql_text import SqlText

LEAST = 2
"""A statistic over one person is that person's value."""
_PARAMETER = "lineage_least_people"


@dataclass(frozen=True)
class PeopleCheck(TableCheck):
    """A blocking check of an asset that is one SELECT: each of its groups contains at least k different people.

    Args:
        columns: the asset's statistics over these groups. If the check passes, they are masked as by `HAVING
            count(DISTINCT person) >= k`; if it fails, they keep their tags, and nothing is written.
        person: the column that identifies people, as written in the SELECT's HAVING.
        k: the least number of people.
    """

    columns: tuple[str, ...] = ()
    person: str = ""
    k: int = LEAST

    @property
    def counted(self) -> str:
        """The SQL of the number of people in a group."""
        return f"count(DISTINCT {'.'.join(map(quote, self.person.split('.')))})"


def at_least_k_people(columns: Sequence[str], person: str, k: int) -> PeopleCheck:
    """Blocking: each group of the asset's SELECT has at least k people; its statistics are masked by that.

    Args:
        columns: the asset's statistics over these groups.
        person: the column that identifies people, `customer_id` or `c.customer_id` as the SELECT's FROM clause names
            it. If its origin is not tagged `person`, nothing is masked.
        k: the least number of people, 2 or more.

    Raises:
        LineageError: k is less than 2, or `person` is no column.
    """
    if k < LEAST:
        raise LineageError(
            f"A group of {k} people protects nobody.",
            expected=f"at least {LEAST}",
            found=str(k),
            where="at_least_k_people",
        )
    try:
        parsed = sqlglot.parse_one(person, dialect="duckdb")
    except SqlglotError:
        parsed = None
    if not isinstance(parsed, exp.Column) or any(part.args.get("quoted") for part in parsed.parts):
        raise LineageError(
            f"{person!r} is not a column that identifies people.",
            expected="COLUMN or TABLE.COLUMN, as the SELECT's HAVING would name it",
            found=person,
            where="at_least_k_people",
        )
    names = ", ".join(columns)
    return PeopleCheck(
        f"at_least_{k}_people_{'_'.join(columns)}",
        f"{names}: at least {k} different {person} stand behind each value",
        blocking=True,
        columns=tuple(columns),
        person=person,
        k=k,
    )


def count_people(check: PeopleCheck, query: Query, inputs: Inputs, origin: str) -> CheckOutcome:
    """Count the people in each group of a SELECT; the check passes if no group has too few.

    Args:
        check: the check.
        query: the SELECT that the run gives to DuckDB.
        inputs: the run's inputs, with everything open that the SELECT reads.
        origin: where the SELECT comes from, for messages.

    Raises:
        LineageError: the outermost SELECT has no groups, so nothing can be counted. duckdb.Error: `person` is no column
            there.
    """
    broken = f"{check.counted} < ${_PARAMETER}"
    sql = f"SELECT count(*) FROM (\n{with_having(query.sql, broken, origin, whole=False)}\n)"
    with inputs.reading_for("check"):
        _note_reads(sql, inputs, origin)
        parameters = {**query.parameters, _PARAMETER: check.k}
        ((groups,),) = inputs._connection.execute(sql, parameters).fetchall()
    if groups:
        found = f"{groups:,} groups have fewer than {check.k} different {check.person}"
    else:
        found = f"every group has at least {check.k} different {check.person}"
    return CheckOutcome(
        check.name,
        groups == 0,
        found,
        blocking=True,
        description=check.description,
        severity="error",
        columns=check.columns,
        counts={"groups": groups},
        version=check.version,
    )


def masked_by(
    check: PeopleCheck,
    lineage: Mapping[str, Sequence[ColumnEdge]],
    query: Query,
    inputs: Inputs,
    origin: str,
    people: People,
) -> dict[str, tuple[ColumnEdge, ...]]:
    """The lineage in which the columns of a passed check are masked as by a HAVING.

    Args:
        check: a check that passed.
        lineage: of the query.
        query: the statement given to DuckDB.
        inputs: of the run.
        origin: where the statement comes from.
        people: columns, as (table, column), that identify people.

    Raises:
        ColumnLineageError: the lineage cannot be derived.
    """
    asserted = with_having(query.text or query.sql, f"{check.counted} >= {check.k}", origin)
    having = query_columns(replace(query, sql=asserted, text=asserted), inputs, origin, people)
    found = {column: tuple(edges) for column, edges in lineage.items()}
    for column in check.columns:
        masked = {edge for edge in having.get(column, ()) if edge.masking}
        found[column] = tuple(
            hidden if (hidden := replace(edge, masking=True)) in masked else edge for edge in found[column]
        )
    return found


def _note_reads(sql: str, inputs: Inputs, origin: str) -> None:
    """Note the columns that counting reads, of tables that the run reads anyway."""
    text = SqlText(sql, origin)
    known = {name: list(columns) for name, columns in inputs.schemas().items()}
    read = text.columns_read({table: known[table] for table in text.tables})
    for table in text.tables:
        if table in inputs.versions():
            inputs.version(table, columns=read[table])
