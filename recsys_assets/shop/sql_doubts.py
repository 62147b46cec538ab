"""SQL doubts: what a source's SQL may do to the rows of its files without anybody having meant it, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import duckdb
from sqlglot import exp

from recsys_assets.shop.raw_columns import RAW_COLUMNS
from recsys_assets.shop.state_conditions import states_not_named
from recsys_assets.shop.unread_texts import unread_texts
from recsys_lineage.sql.parsed import statements_of

Ask = Callable[[str], Sequence[tuple[Any, ...]]]
"""Returns the rows of a SELECT."""


def sql_doubts(statement: str, no_value: str, ask: Ask, *, shown: bool) -> list[str]:
    """Warnings for states without a name, texts that are not read, and lines that a join makes into several events.

    Args:
        statement: the SQL of raw_events, with the relations of its scans.
        no_value: the pattern of texts that mean that there is no value.
        ask: returns the rows of a SELECT.
        shown: whether to show values of the files.
    """
    return [
        *states_not_named(statement, ask, shown=shown),
        *unread_texts(statement, frozenset(RAW_COLUMNS["raw_events"]), no_value, ask),
        *lines_joined_to_several(statement, ask),
    ]


def lines_joined_to_several(statement: str, ask: Ask) -> Iterator[str]:
    """A warning for lines of files of which a join makes several events of one product, as where a lookup has a key
    twice."""
    tree = statements_of(statement)[0]
    joined = [join for join in tree.find_all(exp.Join) if isinstance(join.this, exp.Table | exp.Subquery)]
    if not joined or tree.find(exp.Unnest, exp.Explode, exp.Lateral, exp.SetOperation) is not None:
        return
    lines = f"SELECT _file, _line FROM ({statement}) GROUP BY _file, _line, item_id HAVING count(*) > 1"
    try:
        ((count, place),) = ask(
            f"SELECT count(*), arg_min(_file || ':' || _line, (_file, _line)) FROM ({lines}) "
            "WHERE _file IS NOT NULL"
        )
    except duckdb.Error:  # the load itself names what is wrong
        return
    if count:
        yield (
            f"{count:,} lines of files are several events of one product each, as {place}, because a JOIN finds "
            "several rows for it: join one row for each key, as by QUALIFY row_number() OVER (PARTITION BY key) = 1"
        )
