"""TableCheck: what must be true of a table before its new version becomes visible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from recsys_lineage.assets.inputs import Inputs
from recsys_lineage.records.materialization import CheckOutcome
from recsys_lineage.sql.names import quote
from recsys_lineage.sql.sql_text import SqlText

OUTPUT = "output"
_SAMPLE = 5


@dataclass(frozen=True)
class TableCheck:
    """A check that runs on the draft of a table, before it is committed.

    Args:
        name: lower-case name, shown in the UI.
        description: what must be true, in words.
        sql: a SELECT over `output` (the draft) and the asset's inputs that returns the rows that break the rule.
        function: instead of `sql`: called with the inputs and the draft's relation.
        blocking: whether a failure keeps the version from being committed.
    """

    name: str
    description: str
    sql: str | None = None
    function: Callable[[Inputs, str], CheckOutcome] | None = None
    blocking: bool = False

    def run(self, inputs: Inputs, relation: str) -> CheckOutcome:
        """Run the check on a draft."""
        if self.function is not None:
            return self.function(inputs, relation)
        assert self.sql is not None
        for table in SqlText(self.sql, f"the check {self.name}").tables:
            if table != OUTPUT:
                inputs.view(table)
        inputs.connection.execute(f"CREATE OR REPLACE TEMP VIEW {quote(OUTPUT)} AS FROM {relation}")
        return _rows_outcome(self, inputs.connection)


def _rows_outcome(check: TableCheck, connection: duckdb.DuckDBPyConnection) -> CheckOutcome:
    counted = connection.execute(f"SELECT count(*) FROM ({check.sql})").fetchone()
    broken = counted[0] if counted else 0
    if broken == 0:
        return CheckOutcome(check.name, True, "no row breaks the rule", check.blocking, {"rows": 0})
    sample = connection.execute(f"SELECT * FROM ({check.sql}) LIMIT {_SAMPLE}")
    names = [column[0] for column in sample.description or []]
    rows = [{name: str(value) for name, value in zip(names, row, strict=True)} for row in sample.fetchall()]
    found = f"{broken:,} rows break the rule: {check.description}"
    return CheckOutcome(check.name, False, found, check.blocking, {"rows": broken, "sample": rows})


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
