"""StateCondition: a condition of a source's SQL that says for each state of an order whether its rows count."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
from sqlglot import exp

from recsys_assets.shop.unconditioned_rows import unconditioned_rows
from recsys_lineage.sql.names import literal
from recsys_lineage.sql.parsed import statements_of

_FIRST_PLACE = "arg_min(_file || ':' || _line, (_file, _line))"
_MOST_SHOWN = 5


@dataclass(frozen=True)
class StateCondition:
    """A CASE of a WHERE or QUALIFY that names states: `CASE lower(status) WHEN 'paid' THEN true … ELSE true END`.

    Attributes:
        column: the column with the states.
        known: the states that it names.
        rows: a SELECT of the `state`, `_file` and `_line` of all rows, whether they count or not.
    """

    column: str
    known: tuple[str, ...]
    rows: str

    @property
    def unknown(self) -> str:
        """A SELECT of the rows whose state it does not name; rows without a state are not among them."""
        named = ", ".join(map(literal, self.known))
        return f"SELECT * FROM ({self.rows}) WHERE trim(state) <> '' AND state NOT IN ({named})"


def state_conditions(statement: str) -> Iterator[StateCondition]:
    """The conditions of a source's SQL that name states.

    Args:
        statement: the SQL, with the relations of its scans.
    """
    tree = statements_of(statement)[0]
    for select in tree.find_all(exp.Select):
        clauses = [clause for name in ("where", "qualify") if (clause := select.args.get(name)) is not None]
        for case in (case for clause in clauses for case in clause.find_all(exp.Case)):
            if case.find_ancestor(exp.Select) is not select or not _names_states(case):
                continue
            window = case.this.find(exp.Window)  # by an order's first line
            column = (case.this if window is None else window.this).find(exp.Column)
            if column is None:
                continue
            known = tuple(dict.fromkeys(branch.this.name for branch in case.args["ifs"]))
            state = exp.cast(case.this.copy(), "VARCHAR", dialect="duckdb")
            yield StateCondition(column.name, known, unconditioned_rows(tree, select, state, "state"))


def states_not_named(
    statement: str, ask: Callable[[str], Sequence[tuple[Any, ...]]], *, shown: bool
) -> Iterator[str]:
    """Warnings for states in opened files that the SQL's conditions do not name, in sentences.

    Args:
        statement: the SQL, with the relations of its scans.
        ask: returns the rows of a SELECT.
        shown: whether to show the states, which are values of the files; else their number, and where the first is.
    """
    for condition in state_conditions(statement):
        try:
            found = ask(
                f"SELECT state, count(*), {_FIRST_PLACE} FROM ({condition.unknown}) GROUP BY state "
                "ORDER BY count(*) DESC, state"
            )
        except duckdb.Error:
            yield f"whether the SQL names all states of column {condition.column} could not be told"
            continue
        if not found:
            continue
        rows = sum(count for _, count, _ in found)
        _, _, place = found[0]
        if shown:
            values = ", ".join(f"{state!r} ({count:,})" for state, count, _ in found[:_MOST_SHOWN])
            more = f" and {len(found) - _MOST_SHOWN} others" if len(found) > _MOST_SHOWN else ""
            text = (
                f"column {condition.column} says {values}{more}, which the SQL does not name, as at {place}"
            )
        else:
            text = (
                f"{rows:,} rows have one of {len(found):,} values of column {condition.column} that the SQL does not "
                f"name, as at {place}"
            )
        yield f"{text}: name them at the end of the SQL, by WHEN '…' THEN false where an order came to nothing"


def _names_states(case: exp.Case) -> bool:
    """Whether a CASE compares one value with texts, and each says yes or no."""
    branches = case.args["ifs"]
    results = [*(branch.args.get("true") for branch in branches), case.args.get("default")]
    return (
        case.this is not None
        and all(isinstance(branch.this, exp.Literal) and branch.this.is_string for branch in branches)
        and all(isinstance(result, exp.Boolean) for result in results)
    )
