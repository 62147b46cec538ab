"""Float sums: definitions whose values may differ in their last digits when they are computed again.

Rows of definitions are identified by their values. A sum of doubles depends on the order of its rows, which differs
from run to run with several threads, so a marked row would not be found again. Such a definition is computed once.
"""

from __future__ import annotations

import duckdb

from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import Definition
from recsys_lineage.rows.statement.syntax import Node, arguments, copied, is_expression, parameters_in, parts

_ADDING = (
    "sum", "fsum", "kahan_sum", "sumkahan", "avg", "mean", "favg", "product", "geomean", "geometric_mean", "entropy",
    "stddev", "var", "corr", "covar", "regr", "skewness", "kurtosis", "sem", "mad", "wavg", "weighted_avg",
)  # fmt: skip
"""Name prefixes of aggregates that do arithmetic on all their values."""
_IN_DOUBLES = tuple(name for name in _ADDING if name not in ("sum", "avg", "mean", "mad"))
"""Those that always compute in doubles; a sum of integers or decimals is exact."""


def float_sums(statement: Statement, followed: set[str]) -> set[str]:
    """The followed definitions, folded, that add floating point numbers."""
    return {
        name
        for name, definition in statement.definitions.items()
        if name in followed and _adds_floats(definition, statement)
    }


def _adds_floats(definition: Definition, statement: Statement) -> bool:
    query = definition.query
    if (
        definition.recursive
        or query["type"] != "SELECT_NODE"
        or query["from_table"]["type"] in ("PIVOT", "SHOW_REF")
    ):
        return False
    result = [query["select_list"], query.get("having"), query.get("qualify"), query.get("modifiers")]
    calls = [call for call in parts(result) if call.get("function_name", "").lower().startswith(_ADDING)]
    return any(call["function_name"].lower().startswith(_IN_DOUBLES) for call in calls) or any(
        has_floats(kind)
        for call in calls
        if arguments(call)
        for kind in _types(arguments(call)[:1], query, statement)
    )


def adds_digits(expression: Node, kind: str) -> bool:
    """Whether an expression may depend on the last digits of numbers that it adds."""
    whole = is_expression(expression, "FUNCTION") or is_expression(expression, "WINDOW")
    if whole and expression["function_name"].lower().startswith(_ADDING) and not has_floats(kind):
        return False
    return any(part.get("function_name", "").lower().startswith(_ADDING) for part in parts(expression))


def _types(expressions: list[Node], query: Node, statement: Statement) -> list[str]:
    """The types of expressions over a query's relations; DOUBLE if DuckDB does not determine them."""
    made = copied(query)
    made.update(
        select_list=copied(expressions), where_clause=None, group_expressions=[], group_sets=[], having=None,
        qualify=None, modifiers=[], aggregate_handling="STANDARD_HANDLING",
    )  # fmt: skip
    if any(is_expression(each, "STAR") for each in expressions):
        return []
    try:
        text = statement.catalog.syntax.text(made)
        return [column.type for column in statement.catalog.columns_of(text, parameters_in(made), sure=False)]
    except duckdb.Error:
        return ["DOUBLE"]


def has_floats(kind: str) -> bool:
    """Whether a type is or contains a floating point type."""
    return "DOUBLE" in kind or "FLOAT" in kind
