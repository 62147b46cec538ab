"""Perturbations: other values for one column of a table, while its other columns and its row order stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from sqlglot import exp
from sqlglot.errors import SqlglotError

from recsys_lineage.proof.experiment import Experiment
from recsys_lineage.sql.names import literal, quote
from recsys_lineage.sql.parsed import statements_of
from recsys_lineage.sql.statement import bare_statement

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
"""Values that are not in the column, computed from its values, by prefix of the type's name."""

_MARKS, _MARKS_OF_NUMBERS = ("\u2063\u2042", "\u2042\u2063\u2042"), (71311, 48527)
"""Markers that no real value contains: an invisible separator with a rare sign, and the first digits of large
numbers."""


@dataclass(frozen=True)
class Perturbation:
    """A method of changing a column's values.

    Args:
        name: the method's description.
        column: the column.
        value: SQL of the new value, over the columns of `t`.
        taken: instead of `value`: for each row the number of the row whose value it gets, -1 for NULL.
    """

    name: str
    column: str
    value: str = ""
    taken: np.ndarray | None = None


def perturb(experiment: Experiment, table: str, perturbations: Sequence[Perturbation]) -> None:
    """Replace the values of some columns of a table in an experiment.

    Raises:
        RunFailed: a value does not fit its column.
    """
    original = f"originals.{quote(table)}"
    types = experiment.schemas[table]
    values, joins = [], []
    taken: dict[str, np.ndarray] = {}
    for place, each in enumerate(perturbations):
        x = quote(each.column)
        if each.taken is None:
            values.append(f"coalesce(TRY_CAST({each.value} AS {types[each.column]}), t.{x}) AS {x}")
        else:
            taken[f"s{place}"] = each.taken
            joins.append(f"LEFT JOIN {original} AS o{place} ON o{place}.rowid = k.s{place}")
            values.append(f"o{place}.{x} AS {x}")
    if taken:
        joins.insert(0, "JOIN _taken AS k ON k.number = t.rowid")
        numbers = np.arange(len(next(iter(taken.values()))))
        experiment.connection.register("_taken", pa.table({"number": numbers, **taken}))
    try:
        experiment.change(
            table,
            f"SELECT t.* REPLACE ({', '.join(values)}) FROM {original} AS t {' '.join(joins)} ORDER BY t.rowid",
        )
    finally:
        if taken:
            experiment.connection.unregister("_taken")


class Perturbations:
    """All perturbations of the columns of an experiment's tables.

    Args:
        experiment: the experiment with the tables.
        never_null: table → columns that are never set to NULL.
        seed: the seed of random choices.
    """

    def __init__(
        self, experiment: Experiment, never_null: Mapping[str, Sequence[str]] | None = None, seed: int = 0
    ) -> None:
        self._experiment = experiment
        self._never_null = never_null or {}
        self._seed = seed
        self._literals = _literals(experiment.compute) if isinstance(experiment.compute, str) else ()

    def of(self, table: str, column: str) -> Iterator[Perturbation]:
        """The perturbations of one column; none if its table is empty."""
        rows = self._experiment.rows(table)
        if rows == 0:
            return
        chance = np.random.default_rng([self._seed, *f"{table}.{column}".encode()])
        for name, taken in self._within(table, column, rows, chance):
            yield Perturbation(name, column, taken=taken.astype(np.int64))
        for value in self._fresh(table, column):
            yield Perturbation(
                f"made anew: {value.format(x='x')}", column, value.format(x=f"t.{quote(column)}")
            )
        for name, value in self._of_others(table, column, chance):
            yield Perturbation(name, column, value)

    def marking(self, table: str, column: str) -> Iterator[list[tuple[Perturbation, str]]]:
        """Perturbations that put a mark into every value, or into those of half of the rows, each with the mark's text.

        A value of the result with a mark was made from the column's values, unless the mark is there by chance, as in a
        hash of twenty digits. So each perturbation is repeated with a second mark, which must be there too.
        """
        type_, x = self._experiment.schemas[table][column], f"t.{quote(column)}"
        if type_ == "VARCHAR":
            ways = [(mark, f"{x} || {literal(mark)}") for mark in _MARKS]
        elif type_.startswith(("INTEGER", "BIGINT", "UINTEGER", "UBIGINT", "HUGEINT", "DOUBLE", "DECIMAL")):
            ways = [(str(mark), f"{x} % 1000 + {mark}000") for mark in _MARKS_OF_NUMBERS]
        else:
            return
        yield [(Perturbation("marked", column, value), mark) for mark, value in ways]
        half = f"CASE WHEN hash(t.rowid, {self._seed}) % 2 = 0 THEN {{}} ELSE {x} END"
        yield [
            (Perturbation("marked at half of the rows", column, half.format(value)), mark)
            for mark, value in ways
        ]

    def _within(
        self, table: str, column: str, rows: int, chance: np.random.Generator
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Values of the column itself from other rows, and NULL."""
        codes = self._codes(table, column)
        known = int(codes.max()) + 1
        first = np.array([np.flatnonzero(codes == code)[0] for code in range(known)], dtype=np.int64)
        everyone = np.arange(rows)

        def by_code(wanted: np.ndarray) -> np.ndarray:
            return np.where(wanted < 0, -1, first[np.maximum(wanted, 0)])

        if known and column not in self._never_null.get(table, ()):
            yield "NULL at a third of the rows", np.where(chance.random(rows) < 1 / 3, -1, everyone)
            yield "NULL everywhere", np.full(rows, -1)
            row = int(chance.permutation(np.flatnonzero(codes >= 0))[0])
            yield "NULL at one row", np.where(everyone == row, -1, everyone)
        if known > 1:
            yield "permuted", chance.permutation(rows)
            yield "drawn from the column", by_code(chance.integers(0, known, rows))
            yield "each value by the next", by_code(np.where(codes < 0, -1, (codes + 1) % known))
            yield "each value by its mirror", by_code(np.where(codes < 0, -1, known - 1 - codes))
            yield "turned by one row", np.roll(everyone, 1)
            for code in {0, known - 1, int(chance.integers(known))}:
                yield "one value everywhere", by_code(np.full(rows, code))
            for row in chance.permutation(rows)[:4]:
                other = codes.copy()
                other[row] = (codes[row] + 1 + chance.integers(known - 1)) % known if codes[row] >= 0 else 0
                yield "one row's value", np.where(everyone == row, by_code(other), everyone)
        if known and (codes < 0).any():
            filled = np.where(codes < 0, chance.integers(0, known, rows), codes)
            yield "a value for each NULL", by_code(filled)

    def _fresh(self, table: str, column: str) -> Iterator[str]:
        """Values that the column does not have, as SQL of `x`."""
        type_ = self._experiment.schemas[table][column]
        if type_.endswith("[]"):
            yield "list_reverse({x})"
            yield "list_concat({x}, {x})"
        elif not type_.endswith("]"):
            for types, expressions in _FRESH.items():
                if type_.startswith(types):
                    yield from expressions

    def _of_others(self, table: str, column: str, chance: np.random.Generator) -> Iterator[tuple[str, str]]:
        """Values in the statement, or in other columns of the same type, as SQL."""
        type_ = self._experiment.schemas[table][column]

        def drawn() -> str:
            return f"hash(t.rowid, {int(chance.integers(1 << 30))})"

        def picked(values: str, among: int) -> str:
            return f"({values})[1 + ({drawn()} % {among})::BIGINT]"

        if self._literals and "[" not in type_ and ("(" not in type_ or type_.startswith("DECIMAL")):
            written = ", ".join(f"TRY_CAST({literal(text)} AS {type_})" for text in self._literals)
            values = f"list_filter([{written}], lambda v: v IS NOT NULL)"
            among = self._experiment.connection.execute(f"SELECT len({values})").fetchall()[0][0]
            if among:
                yield "values of the statement", picked(values, among)
                for _ in range(2):
                    some = (
                        f"CASE WHEN {drawn()} % 2 = 0 THEN {picked(values, among)} ELSE t.{quote(column)} END"
                    )
                    yield "values of the statement at half of the rows", some
        others = [
            (other, name)
            for other, columns in self._experiment.schemas.items()
            for name, of in columns.items()
            if of == type_ and (other, name) != (table, column)
        ]
        for place in chance.permutation(len(others))[:3]:
            other, name = others[place]
            of = f"originals.{quote(other)} WHERE {quote(name)} IS NOT NULL"
            found = self._experiment.connection.execute(f"SELECT count(DISTINCT {quote(name)}) FROM {of}")
            if among := found.fetchall()[0][0]:
                values = f"SELECT list(DISTINCT {quote(name)} ORDER BY {quote(name)}) FROM {of}"
                yield f"values of {other}.{name}", picked(values, among)

    def _codes(self, table: str, column: str) -> np.ndarray:
        """Indices of the rows' values among the distinct values, -1 for NULL."""
        x = quote(column)
        found = self._experiment.connection.execute(
            f"SELECT CASE WHEN {x} IS NULL THEN -1 ELSE dense_rank() OVER (ORDER BY {x} NULLS LAST) - 1 END AS code "
            f"FROM originals.{quote(table)} ORDER BY rowid"
        ).fetchnumpy()
        return np.asarray(found["code"], dtype=np.int64)


def mixed_tables(experiment: Experiment, seed: int) -> dict[str, pa.Table]:
    """The original tables of an experiment with half of the values of each column taken from other rows.

    Unique keys repeat then, and dependencies between columns are broken. Unique columns in an ORDER BY of the statement
    stay unique, so that the order stays defined.
    """
    ordering = _ordering(experiment.compute) if isinstance(experiment.compute, str) else set()
    mixed: dict[str, pa.Table] = {}
    for table, columns in experiment.schemas.items():
        original, rows = f"originals.{quote(table)}", experiment.rows(table)
        chance = np.random.default_rng([seed, *table.encode()])
        distinct = ", ".join(f"count(DISTINCT {quote(column)})" for column in columns)
        known = experiment.connection.execute(f"SELECT {distinct} FROM {original}").fetchall()[0]
        taken: dict[str, np.ndarray] = {}
        for place, (column, values) in enumerate(zip(columns, known, strict=True)):
            if column.casefold() in ordering and values == rows:
                taken[f"s{place}"] = chance.permutation(rows)
            else:
                drawn = chance.integers(0, max(rows, 1), rows)
                taken[f"s{place}"] = np.where(chance.random(rows) < 0.5, np.arange(rows), drawn)
        values = ", ".join(f"o{place}.{quote(column)}" for place, column in enumerate(columns))
        joins = " ".join(
            f"JOIN {original} AS o{place} ON o{place}.rowid = k.s{place}" for place in range(len(columns))
        )
        experiment.connection.register("_taken", pa.table({"number": np.arange(rows), **taken}))
        relation = experiment.connection.sql(f"SELECT {values} FROM _taken AS k {joins} ORDER BY k.number")
        mixed[table] = relation.to_arrow_table()
        experiment.connection.unregister("_taken")
    return mixed


def _ordering(sql: str) -> set[str]:
    """Names of the columns by which a statement orders anything."""
    try:
        trees = statements_of(bare_statement(sql))
    except (SqlglotError, RecursionError):
        return set()
    ordered = [
        column
        for tree in trees
        for node in tree.find_all(exp.Ordered, exp.Order)
        for column in node.find_all(exp.Column)
    ]
    return {column.name.casefold() for column in ordered}


def _literals(sql: str) -> tuple[str, ...]:
    """Texts and numbers in a statement, with the neighbours of each number."""
    try:
        trees = statements_of(bare_statement(sql))
    except (SqlglotError, RecursionError):
        return ()
    found: dict[str, None] = {}
    for node in (node for tree in trees for node in tree.find_all(exp.Literal)):
        found[node.name] = None
        if not node.is_string and node.is_int:
            found.update(dict.fromkeys((str(int(node.name) + 1), str(int(node.name) - 1))))
    return tuple(found)[:60]
