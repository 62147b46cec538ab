"""Perturbations: other values for one column of a table, while its other columns and the order of its rows stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from recsys_lineage.proof.experiment import Experiment
from recsys_lineage.sql.names import literal, quote

_NUMBERS = ("INTEGER", "BIGINT", "SMALLINT", "TINYINT", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL")
_UNSIGNED = ("UINTEGER", "UBIGINT", "USMALLINT", "UTINYINT", "UHUGEINT")
_FRESH: Mapping[tuple[str, ...], tuple[str, ...]] = {
    _NUMBERS: ("{x} + 1", "-{x} * 3 - 2", "CASE WHEN {x} < 0 THEN 0 ELSE -1 END"),
    _UNSIGNED: ("{x} + 1", "{x} * 3 + 2"),
    ("BOOLEAN",): ("NOT {x}",),
    ("VARCHAR",): ("{x} || '~'", "'~' || {x}", "reverse({x})", "upper({x})"),
    ("DATE",): ("{x} + 1", "{x} - 45", "{x} + 800"),
    ("TIMESTAMP",): ("{x} + INTERVAL 7 HOUR", "{x} - INTERVAL 45 DAY", "{x} + INTERVAL 800 DAY"),
    ("TIME", "INTERVAL"): ("{x} + INTERVAL 7 MINUTE",),
    ("BLOB",): ("{x} || '~'::BLOB",),
}
"""Values that do not stand in the column, made of those that do, by the beginning of the type's name."""


@dataclass(frozen=True)
class Perturbation:
    """One way to give a column other values.

    Args:
        name: the way, in words.
        select: a SELECT over the kept tables; it may read `_taken`.
        taken: for each row, the number of the row whose value it takes, -1 for NULL; None where `select` does not ask.
    """

    name: str
    select: str
    taken: np.ndarray | None = None

    def apply(self, experiment: Experiment, table: str) -> None:
        """Let the statement of an experiment read the table so changed.

        Raises:
            RunFailed: a changed value does not fit the column.
        """
        if self.taken is None:
            experiment.change(table, self.select)
            return
        taken = pa.table({"row": np.arange(len(self.taken)), "source": self.taken})
        experiment.connection.register("_taken", taken)
        try:
            experiment.change(table, self.select)
        finally:
            experiment.connection.unregister("_taken")


class Perturbations:
    """All perturbations of the columns of an experiment's tables.

    Args:
        experiment: whose tables are changed.
        never_null: table → columns that are never given NULL.
        seed: of what is drawn by chance.
    """

    def __init__(
        self, experiment: Experiment, never_null: Mapping[str, Sequence[str]] | None = None, seed: int = 0
    ) -> None:
        self._experiment = experiment
        self._never_null = never_null or {}
        self._seed = seed
        self._literals = _literals(experiment.compute) if isinstance(experiment.compute, str) else ()

    def of(self, table: str, column: str) -> Iterator[Perturbation]:
        """The perturbations of one column; none where its table is empty."""
        rows = self._experiment.rows(table)
        if rows == 0:
            return
        chance = np.random.default_rng([self._seed, *f"{table}.{column}".encode()])
        nulls = column not in self._never_null.get(table, ())
        yield from self._within(table, column, rows, chance, nulls)
        yield from self._fresh(table, column)
        yield from self._of_others(table, column, chance)

    def _within(
        self, table: str, column: str, rows: int, chance: np.random.Generator, nulls: bool
    ) -> Iterator[Perturbation]:
        """Values of the column itself at other rows, and NULL."""
        codes = self._codes(table, column)
        known = int(codes.max()) + 1
        first = np.array([np.flatnonzero(codes == code)[0] for code in range(known)], dtype=np.int64)
        everyone = np.arange(rows)

        def moved(name: str, taken: np.ndarray) -> Perturbation:
            kept, x = quote(table), quote(column)
            select = (
                f"SELECT t.* REPLACE (o.{x} AS {x}) FROM kept.{kept} AS t JOIN _taken AS k ON k.row = t.rowid "
                f"LEFT JOIN kept.{kept} AS o ON o.rowid = k.source ORDER BY t.rowid"
            )
            return Perturbation(name, select, taken.astype(np.int64))

        def by_code(wanted: np.ndarray) -> np.ndarray:
            return np.where(wanted < 0, -1, first[np.maximum(wanted, 0)])

        if known > 1:
            yield moved("permuted", chance.permutation(rows))
            yield moved("turned by one row", np.roll(everyone, 1))
            yield moved("each value by the next", by_code(np.where(codes < 0, -1, (codes + 1) % known)))
            yield moved("each value by its mirror", by_code(np.where(codes < 0, -1, known - 1 - codes)))
            yield moved("drawn from the column", by_code(chance.integers(0, known, rows)))
            for code in {0, known - 1, int(chance.integers(known))}:
                yield moved("one value everywhere", by_code(np.full(rows, code)))
            for row in chance.permutation(rows)[:4]:
                other = codes.copy()
                other[row] = (codes[row] + 1 + chance.integers(known - 1)) % known if codes[row] >= 0 else 0
                yield moved("one row's value", np.where(everyone == row, by_code(other), everyone))
        if known and nulls:
            yield moved("NULL at a third of the rows", np.where(chance.random(rows) < 1 / 3, -1, everyone))
            yield moved("NULL everywhere", np.full(rows, -1))
            row = int(chance.permutation(np.flatnonzero(codes >= 0))[0])
            yield moved("NULL at one row", np.where(everyone == row, -1, everyone))
        if known and (codes < 0).any():
            filled = np.where(codes < 0, chance.integers(0, known, rows), codes)
            yield moved("a value for each NULL", by_code(filled))

    def _fresh(self, table: str, column: str) -> Iterator[Perturbation]:
        """Values that the column does not have."""
        type_ = self._experiment.schemas[table][column]
        nested = type_.endswith("]") or type_.startswith(("STRUCT", "MAP", "UNION", "ENUM"))
        for types, expressions in _FRESH.items():
            if not nested and type_.startswith(types):
                for expression in expressions:
                    value = expression.format(x=quote(column))
                    yield Perturbation(
                        f"made anew: {expression.format(x='x')}", self._made(table, column, value)
                    )
        if type_.endswith("[]"):
            yield Perturbation(
                "made anew: reversed", self._made(table, column, f"list_reverse({quote(column)})")
            )
            twice = f"list_concat({quote(column)}, {quote(column)})"
            yield Perturbation("made anew: doubled", self._made(table, column, twice))

    def _of_others(self, table: str, column: str, chance: np.random.Generator) -> Iterator[Perturbation]:
        """Values that stand in the statement, or in other columns of the same type."""
        type_ = self._experiment.schemas[table][column]
        half = f"hash(rowid, {int(chance.integers(1 << 30))}) % 2 = 0"
        if self._literals and "[" not in type_ and "(" not in type_.removeprefix("DECIMAL"):
            written = ", ".join(f"TRY_CAST({literal(text)} AS {type_})" for text in self._literals)
            every = f"list_filter([{written}], lambda v: v IS NOT NULL)"
            for turn in range(3):
                drawn = f"hash(rowid, {int(chance.integers(1 << 30))})"
                value = f"(SELECT v[1 + ({drawn} % len(v))::BIGINT] FROM (SELECT {every} AS v))"
                value = f"coalesce({value}, {quote(column)})"
                if turn < 2:
                    value = f"CASE WHEN {half} THEN {value} ELSE {quote(column)} END"
                yield Perturbation("values of the statement", self._made(table, column, value))
        others = [
            (other, name)
            for other, columns in self._experiment.schemas.items()
            for name, of in columns.items()
            if of == type_ and (other, name) != (table, column)
        ]
        for place in chance.permutation(len(others))[:4]:
            other, name = others[place]
            domain = f"(SELECT list(v ORDER BY v) FROM (SELECT DISTINCT {quote(name)} AS v FROM kept.{quote(other)} WHERE v IS NOT NULL))"  # noqa: E501
            drawn = (
                f"d.v[1 + (hash(t.rowid, {int(chance.integers(1 << 30))}) % greatest(len(d.v), 1))::BIGINT]"
            )
            x = quote(column)
            yield Perturbation(
                f"values of {other}.{name}",
                f"SELECT t.* REPLACE (coalesce({drawn}, t.{x}) AS {x}) FROM kept.{quote(table)} AS t, "
                f"(SELECT {domain} AS v) AS d ORDER BY t.rowid",
            )

    def _made(self, table: str, column: str, value: str) -> str:
        type_, x = self._experiment.schemas[table][column], quote(column)
        return (
            f"SELECT * REPLACE (coalesce(TRY_CAST({value} AS {type_}), {x}) AS {x}) "
            f"FROM kept.{quote(table)} ORDER BY rowid"
        )

    def _codes(self, table: str, column: str) -> np.ndarray:
        """For each row the place of its value among the different ones, -1 for NULL."""
        x = quote(column)
        found = self._experiment.connection.execute(
            f"SELECT CASE WHEN {x} IS NULL THEN -1 ELSE dense_rank() OVER (ORDER BY {x} NULLS LAST) - 1 END AS code "
            f"FROM kept.{quote(table)} ORDER BY rowid"
        ).fetchnumpy()
        return np.asarray(found["code"], dtype=np.int64)


def mixed_tables(experiment: Experiment, seed: int) -> dict[str, duckdb.DuckDBPyRelation]:
    """The kept tables of an experiment, in which half of the values of each column are those of other rows.

    Keys that were unique repeat, and what depended on each other does no longer.
    """
    mixed: dict[str, duckdb.DuckDBPyRelation] = {}
    for table, columns in experiment.schemas.items():
        kept, rows = f"kept.{quote(table)}", experiment.rows(table)
        values, joins = [], []
        for place, column in enumerate(columns):
            drawn = f"hash(t.rowid, {place}, {seed})"
            taken = f"CASE WHEN {drawn} % 2 = 0 THEN t.rowid ELSE ({drawn} // 2 % {max(rows, 1)})::BIGINT END"
            joins.append(f"LEFT JOIN {kept} AS o{place} ON o{place}.rowid = {taken}")
            values.append(f"o{place}.{quote(column)}")
        mixed[table] = experiment.connection.sql(
            f"SELECT {', '.join(values)} FROM {kept} AS t {' '.join(joins)} ORDER BY t.rowid"
        )
    return mixed


def _literals(sql: str) -> tuple[str, ...]:
    """Texts and numbers that stand in a statement, and for numbers those beside them."""
    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
    except (SqlglotError, RecursionError):
        return ()
    found: dict[str, None] = {}
    for node in tree.find_all(exp.Literal):
        found[node.name] = None
        if not node.is_string and node.is_int:
            found.update(dict.fromkeys((str(int(node.name) + 1), str(int(node.name) - 1))))
    return tuple(found)[:60]
