"""ColumnEdge: the way in which an input column takes part in a result column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["DIRECT", "INDIRECT"]
Subtype = Literal[
    "IDENTITY", "TRANSFORMATION", "AGGREGATION",
    "JOIN", "GROUP_BY", "FILTER", "SORT", "WINDOW", "CONDITIONAL",
]  # fmt: skip
DIRECT: tuple[Subtype, ...] = ("IDENTITY", "TRANSFORMATION", "AGGREGATION")
"""The subtypes of DIRECT edges; all others are INDIRECT."""


@dataclass(frozen=True, order=True, slots=True)
class ColumnEdge:
    """The way in which an input column takes part in a result column, in OpenLineage's terms.

    Edges are sound: if the values of an input column change, only result columns with an edge from it may change,
    whether as a multiset of values or in the rows that have them.

    DIRECT, the value is computed from the input's values:

    - IDENTITY: unchanged, also through CTEs, subqueries, USING, renaming and set operations.
    - TRANSFORMATION: by an expression over one row, also a cast, a field of a struct, an element of a list.
    - AGGREGATION: by an aggregate or a window function over its argument. Along a chain the strongest counts.

    INDIRECT, the input decides which rows there are or which value is taken, without being in the value; along a chain
    the subtype is that of the first such step from the input:

    - JOIN: in a join's condition; the argument of a table function or of `unnest`, which is joined to its row.
    - GROUP_BY: a key of GROUP BY, DISTINCT, DISTINCT ON, a set operation without ALL, or a recursive USING KEY.
    - FILTER: WHERE, HAVING, QUALIFY, FILTER, LIMIT; a condition of SEMI or ANTI JOIN; what a subquery in EXISTS, IN,
      ANY or ALL returns; both sides of EXCEPT ALL and INTERSECT ALL, the other side of EXCEPT and INTERSECT; the
      condition of `list_filter` and of a list comprehension.
    - SORT: ORDER BY, with or without LIMIT; the order inside an aggregate; the measure of `arg_min` and `arg_max`.
    - WINDOW: PARTITION BY, ORDER BY and frame of a window; or of another, which decides the order of rows that this
      one, an aggregate or a LIMIT finds equal.
    - CONDITIONAL: the conditions of CASE, IF, COALESCE, IFNULL and NULLIF. COALESCE does not test its
      last argument. The values to choose from are DIRECT.

    An input that decides the rows of a relation has an edge to each column with rows of that relation; one that decides
    a single value has an edge to that column alone. An aggregate without GROUP BY always has one row: an input that
    decides the rows it runs over decides its value, and no other column. For the same reason a LEFT JOIN whose other
    side has at most one row for each left row (it is such an aggregate, it is grouped by the joined columns, or it is
    an ASOF JOIN) decides the values of the other side alone. A SEMI or ANTI JOIN adds no column. `count(*)`, literals
    and generated rows have no DIRECT edge.

    Args:
        table: the input, as `schemas` spells it.
        column: its column, as `schemas` spells it.
        kind: DIRECT or INDIRECT.
        subtype: one of the above.
        masking: whether the value is hidden on every such path: by a keyed hash (a hash function over an argument that
            contains a whole `$parameter`, which was neither NULL nor blank, true, false or 0), or by a statistic
            (`count`, `sum`, `avg` and the like) that is kept only for groups of at least k people (`HAVING
            count(DISTINCT person) >= k`, k of at least 2, or a `$parameter` that was when the statement ran). Sums,
            products and ratios of columns and the like mask; what one person alone can make different from 0 does
            not: FILTER, CASE, comparisons, powers.
    """

    table: str
    column: str
    kind: Kind
    subtype: Subtype
    masking: bool = False
