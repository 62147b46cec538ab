"""Ties: edges that decide the order of rows that an ORDER BY leaves equal, or of rows without one.

SQL leaves this order open, and DuckDB keeps the order in which rows arrive. Among windows over the same partitions, the
longest sort order also serves those whose order is a prefix of it. Other windows, and operators on top, get the rows in
the order that the previous windows left. So `row_number() OVER (ORDER BY a)` next to `sum(x) OVER (ORDER BY a, b)`
depends on b for rows with equal a.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from sqlglot import exp

from recsys_lineage.columns.edges import NOTHING, Edges, united

_STREAMED = frozenset({"dense_rank", "first", "first_value", "lag", "lead", "row_number"})
"""Functions that DuckDB computes before it sorts for others, if their window has no order and no partitions."""
_INDIFFERENT = frozenset(
    {
        "approx_count_distinct", "avg", "bit_and", "bit_or", "bit_xor", "bool_and", "bool_or", "corr", "count",
        "count_if", "count_star", "countif", "covar_pop", "covar_samp", "cume_dist", "dense_rank", "entropy", "favg",
        "fsum", "histogram", "kahan_sum", "kurtosis", "kurtosis_pop", "mad", "max", "mean", "median", "min",
        "percent_rank", "product", "rank", "rank_dense", "skewness", "stddev", "stddev_pop", "stddev_samp", "sum",
        "sum_no_overflow", "sumkahan", "var_pop", "var_samp", "variance",
    }
)  # fmt: skip
"""Functions whose result does not depend on the order of equal rows."""
_INDIFFERENT_KINDS = ("quantile", "percentile", "regr_", "approx_quantile")


@dataclass(eq=False)
class Sort:
    """A window for which DuckDB sorts rows.

    Args:
        window: the window function.
        named: the window of WINDOW that it is based on, if any.
        read: returns the edges of its partitions and its order.
    """

    window: exp.Window
    named: exp.Window | None
    read: Callable[[], Edges]

    @cached_property
    def edges(self) -> Edges:
        """The edges of the sort keys."""
        return self.read()

    @cached_property
    def partitions(self) -> frozenset[exp.Expr]:
        """Partition keys of the window."""
        found = list(self.window.args.get("partition_by") or ())
        if self.named is not None:
            found += self.named.args.get("partition_by") or ()
        return frozenset(found)

    @cached_property
    def order(self) -> tuple[tuple[exp.Expr, bool, bool], ...]:
        """Sort keys, with direction and position of NULLs."""
        orders = [each.args.get("order") for each in (self.named, self.window) if each is not None]
        return tuple(
            (key.this, bool(key.args.get("desc")), bool(key.args.get("nulls_first")))
            for order in orders
            if order is not None
            for key in order.expressions
        )

    def sorts_for(self, other: Sort) -> bool:
        """Whether rows sorted for this window are also sorted for another."""
        return self.partitions == other.partitions and self.order[: len(other.order)] == other.order


def is_indifferent(name: str, window: exp.Expr | None = None) -> bool:
    """Whether a function returns the same for any order of equal rows.

    Args:
        name: its name in the call, in lower case.
        window: its OVER, if it has one.
    """
    if name not in _INDIFFERENT and not name.startswith(_INDIFFERENT_KINDS):
        return False
    spec = window.args.get("spec") if window is not None else None
    if spec is None or spec.text("kind").upper() != "ROWS":
        return True
    return spec.text("start").upper() == spec.text("end").upper() == "UNBOUNDED" and not spec.args.get(
        "exclude"
    )


def deciding_ties(own: Sort, name: str, sorts: Iterable[Sort]) -> Edges:
    """The edges from the windows of a SELECT that decide the order of rows which one of them leaves equal.

    Args:
        own: that window.
        name: the name of its function.
        sorts: all windows, in the order in which DuckDB computes them.
    """
    known = [*sorts]
    spec = own.window.args.get("spec")
    streamed = name in _STREAMED or (spec is not None and spec.text("kind").upper() == "ROWS")
    if streamed and not own.order and not own.partitions:
        return NOTHING
    places = [place for place, each in enumerate(known) if each.window is own.window]
    others = [each for each in known if each.window is not own.window]
    before = known[: places[0]] if places else known
    return united(each.edges for each in others if each in before or each.sorts_for(own))
