"""Repeated keys: a group of more than one row needs a key that occurs more than once.

A table looked through for repeated rows (`GROUP BY hash(…) HAVING count(*) > 1`) mostly has none with the requested
keys. The keys alone are computed once for all requests and tell that; the groups' own conditions are not needed for it.
"""

from __future__ import annotations

from recsys_lineage.rows.statement.definition import Definition
from recsys_lineage.rows.statement.syntax import (
    Node,
    Syntax,
    conjuncts,
    is_expression,
    parts,
    without_places,
)

_MORE_THAN = {"COMPARE_GREATERTHAN": 1, "COMPARE_GREATERTHANOREQUALTO": 2}
_STRANGE = ("SUBQUERY", "WINDOW", "LAMBDA", "PARAMETER")


def repeated_keys(definition: Definition, syntax: Syntax) -> str | None:
    """The query for the key `k` of all rows from which a definition makes groups of more than one row.

    It may fail for rows that the definition's own conditions leave out. None if its one column is not the one key of
    such groups.
    """
    query = definition.query
    if definition.recursive or query["type"] != "SELECT_NODE":
        return None
    select, keys = query["select_list"], query.get("group_expressions", [])
    if len(select) != 1 or len(keys) != 1 or len(query.get("group_sets", [])) > 1:
        return None
    if without_places(select[0]) != without_places(keys[0]) or not is_expression(keys[0], "FUNCTION"):
        return None
    if any(is_expression(part, kind) for part in parts(keys[0]) for kind in _STRANGE):
        return None
    if not any(map(_is_more_than_one, conjuncts(query.get("having")))):
        return None
    key = syntax.expression_text({**keys[0], "alias": ""})
    return f"SELECT TRY({key}) AS k FROM {syntax.relation_text(query['from_table'])}"


def _is_more_than_one(condition: Node) -> bool:
    """Whether a condition holds for groups of several rows only."""
    least = _MORE_THAN.get(condition.get("type", ""))
    if least is None:
        return False
    counts, number = condition["left"], condition["right"]
    is_count = is_expression(counts, "FUNCTION") and counts["function_name"].lower() == "count_star"
    if not is_count or counts.get("filter") or not is_expression(number, "CONSTANT"):
        return False
    value = number["literal"].get("text") if "literal" in number else number["value"].get("value")
    return str(value).isdecimal() and int(str(value)) >= least
