"""Row numbers: `row_number() OVER (PARTITION BY … ORDER BY …)`, and conditions that keep some rows of each
partition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from recsys_lineage.columns.binding.names import conjuncts
from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.edges import Edges, How, deciding, united

_COMPARED = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)


def is_place(node: exp.Expr) -> bool:
    """Whether an expression is a number."""
    return isinstance(node, exp.Literal) and not node.is_string


def partition_cut(condition: exp.Expr) -> list[exp.Expr] | None:
    """The partition keys of `row_number() OVER (PARTITION BY … ORDER BY …) <= 3`; None for another condition.

    The size of a partition decides how many of its rows stay; the order decides which, but not their keys, which are
    equal.
    """
    if not isinstance(condition, _COMPARED) or not is_place(condition.expression):
        return None
    return _partition(condition.this.unnest())


def _partition(window: exp.Expr) -> list[exp.Expr] | None:
    """The partition keys of a window that numbers rows; None for another one."""
    numbers_rows = isinstance(window, exp.Window) and isinstance(window.this, exp.RowNumber)
    return (
        list(window.args.get("partition_by") or ()) if numbers_rows and not window.args.get("alias") else None
    )


def first_of_each(condition: exp.Expr) -> Iterator[list[exp.Expr]]:
    """The partition keys of each `row_number() OVER (PARTITION BY … ORDER BY …) = 1` in a condition."""
    for each in conjuncts(condition):
        if not isinstance(each, exp.EQ) or not is_place(each.expression) or each.expression.name != "1":
            continue
        if (partition := _partition(each.this.unnest())) is not None:
            yield partition


def numbers(
    nodes: Sequence[exp.Expr], place_of: Callable[[exp.Expr], int | None]
) -> dict[int, frozenset[int]]:
    """The row numbers in a SELECT list, with the columns of their partition keys.

    Args:
        nodes: the SELECT list.
        place_of: returns the index of an expression in it.
    """
    found: dict[int, frozenset[int]] = {}
    for place, node in enumerate(nodes):
        window = node.this if isinstance(node, exp.Alias) else node
        if (partition := _partition(window)) is not None:
            keys = [place_of(key) for key in partition]
            if None not in keys:
                found[place] = frozenset(key for key in keys if key is not None)
    return found


@dataclass(frozen=True)
class Numbered:
    """A condition on the numbers of rows in their partitions.

    Attributes:
        choosing: the edges that decide which rows of a partition satisfy it.
        counting: the edges that decide how many do.
        keys: the identities of the partition keys.
        is_single: whether it keeps one row of each partition.
    """

    choosing: Edges
    counting: Edges
    keys: set[int]
    is_single: bool


def numbered_by(condition: exp.Expr, scope: Scope) -> Numbered | None:
    """Meaning of `WHERE n = 1` if the only relation numbers the rows of each partition by n; None otherwise."""
    relation = scope.bindings[0].relation if len(scope.bindings) == 1 else None
    if relation is None or not relation.numbers or not isinstance(condition, _COMPARED):
        return None
    if not isinstance(condition.this, exp.Column) or not is_place(condition.expression):
        return None
    value = scope.value(condition.this)
    for place, keys in relation.numbers.items():
        if relation.columns[place].value is value:
            of_keys = [relation.columns[key].value for key in keys]
            counting = deciding(united(each.edges for each in of_keys), How.WINDOW)
            is_single = isinstance(condition, exp.EQ) and condition.expression.name == "1"
            choosing = deciding(value.edges, How.FILTER)
            return Numbered(choosing, counting, {id(each) for each in of_keys}, is_single)
    return None
