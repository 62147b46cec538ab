"""Samples: statements that draw rows at random, and the condition under which they can be traced."""

from __future__ import annotations

from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.witnesses.witness import Witnesses


def refuse_drawn(statement: Statement) -> None:
    """Check that a statement's row does not depend on which other rows were drawn.

    If each row comes from one row of each relation, these were drawn, whatever others were. The rows drawn into a group
    cannot be determined afterwards.

    Raises:
        RowTraceError: the statement groups, limits or excludes rows that are drawn at random.
    """
    if not statement.sampled:
        return
    witnesses = Witnesses(statement, statement.catalog.tables)
    for definition in statement.definitions.values():
        kept = [each for each in definition.query.get("modifiers", []) if each["type"] != "ORDER_MODIFIER"]
        if definition.recursive or not witnesses.is_row_by_row({**definition.query, "modifiers": kept}):
            raise statement.cannot(
                "a sample of rows that others are made of together",
                statement.sampled[0],
                "sample by a hash of a key: WHERE hash(k) % 10 = 0",
            )
