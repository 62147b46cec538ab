"""RowKeys: the columns that match rows of a Python asset's table to rows of its inputs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from recsys_lineage.errors import LineageError, did_you_mean

Pairs: TypeAlias = Mapping[str, str]
"""Column of the asset's table → the column of the other table with the same value."""
Keys: TypeAlias = "Sequence[str] | Mapping[str, Pairs | Sequence[Pairs]]"
"""Keys as an asset declares them: columns that its table and an input both have; or for each table the pairs that
identify its rows.

`{"users": {"user_id": "user_id"}, "items": [{"item_id": "item_id"}, {"like": "item_id"}]}`: of several pairs, one is
enough. A table that a model was fitted on may be named too; its rows are counted by them.
"""


@dataclass(frozen=True)
class RowKeys:
    """The keys that an asset declares.

    Attributes:
        shared: columns that its rows have in common with rows of any input that has these columns.
        of_tables: table → the alternative pairs that identify its rows.
    """

    shared: tuple[str, ...] = ()
    of_tables: Mapping[str, tuple[Pairs, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, keys: Keys) -> RowKeys:
        """The row keys in an asset's definition."""
        if not isinstance(keys, Mapping):
            return cls(tuple(keys))
        return cls(
            of_tables={
                table: (dict(pairs),) if isinstance(pairs, Mapping) else tuple(map(dict, pairs))
                for table, pairs in keys.items()
            }
        )

    def __bool__(self) -> bool:
        return bool(self.shared or self.of_tables)

    def pairs(self, table: str, own: Collection[str], others: Collection[str]) -> list[Pairs]:
        """The column pairs that match rows of a table to rows of the asset's; none if there are none.

        Args:
            table: the other table.
            own: columns of the asset's rows.
            others: columns of the other table.
        """
        mine, its = ({name.casefold(): name for name in names} for names in (own, others))
        named = self.of_tables.get(table, [{key: key for key in self.shared if _has(mine, its, key, key)}])
        return [
            {mine[column.casefold()]: its[other.casefold()] for column, other in pairs.items()}
            for pairs in named
            if pairs and all(_has(mine, its, column, other) for column, other in pairs.items())
        ]

    def check(
        self, columns: Collection[str], tables: Mapping[str, Collection[str] | None], where: str
    ) -> None:
        """Check the named columns against the existing ones; shared columns are known only in a run.

        Args:
            columns: the columns of the asset's table.
            tables: table whose rows may match → its columns; None where these are unknown.
            where: the asset's code, for messages.

        Raises:
            LineageError: a named table or column does not exist.
        """
        for table, alternatives in self.of_tables.items():
            _known(table, tables, "table that it reads", where)
            for name, other in ((name, pairs[name]) for pairs in alternatives for name in pairs):
                _known(name, columns, "column of its table", where)
                if (others := tables[table]) is not None:
                    _known(other, others, f"column of {table}", where)

    def missing(self, table: str) -> str:
        """The reason why they select no row of a table."""
        if self.shared:
            return f"its keys ({', '.join(self.shared)}) are no columns of {table}"
        if self.of_tables:
            return f"it names no keys of {table} (frame_asset(keys=…))"
        return "it is a Python function that names no keys (frame_asset(keys=…))"


def _known(name: str, known: Collection[str], what: str, where: str) -> None:
    if name.casefold() not in {each.casefold() for each in known}:
        raise LineageError(
            f"The asset's keys name {name!r}, which is not a {what}.",
            expected=f"one of {', '.join(known)}" if known else f"a {what}",
            found=name,
            where=where,
            advice=" ".join(filter(None, (did_you_mean(name, known), "correct keys of the asset"))),
        )


def _has(mine: Mapping[str, str], its: Mapping[str, str], column: str, other: str) -> bool:
    return column.casefold() in mine and other.casefold() in its
