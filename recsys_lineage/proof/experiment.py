"""Experiment: a statement over tables in its own DuckDB, run repeatedly with changed inputs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
from sqlglot import exp
from sqlglot.errors import SqlglotError

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.fingerprint import distinguished
from recsys_lineage.proof.result_hashes import Answer, changed_together, same
from recsys_lineage.proof.time_limit import time_limit
from recsys_lineage.sql.names import literal, quote
from recsys_lineage.sql.parsed import statements_of
from recsys_lineage.sql.statement import bare_statement

Schemas: TypeAlias = Mapping[str, Mapping[str, str]]
"""Table → column → DuckDB's type."""
Rows: TypeAlias = "pa.Table | pl.DataFrame | duckdb.DuckDBPyRelation | Sequence[Sequence[Any]]"
"""Rows of a table: a frame, a relation, or tuples in the order of the schema's columns."""
Compute: TypeAlias = "str | Callable[[Mapping[str, pl.DataFrame]], pl.DataFrame]"
"""Code under test: one SELECT, or a function from frames of the tables to a frame."""

_DEPENDS_ON_DATA = "join_order,build_side_probe_side,statistics_propagation,compressed_materialization"
"""Optimizations that depend on the values: without them a statement has the same plan for any tables."""
ENDLESS = (duckdb.InterruptException, duckdb.OutOfMemoryException, MemoryError)
"""Errors that end a run for lack of time or memory, which prove nothing about the statement."""
_SHORTEST_LIMIT = 1.0
"""The shortest time limit of a run, in seconds of computing."""


class ExperimentError(LineageError):
    """A statement cannot be tested: its tables do not fit its schemas, or it does not run on them."""


class RunFailed(Exception):
    """The statement failed on changed tables: a value is not valid, or it ran for too long.

    Attributes:
        endless: whether time or memory ran out, as with an endless recursion.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.endless = isinstance(error, ENDLESS)


class Experiment:
    """A statement over tables in its own DuckDB.

    The original tables are kept; the statement reads copies, which can be changed and restored. It runs in one thread
    and with one plan, so that the order of rows depends only on the values.

    Args:
        compute: one SELECT in DuckDB's dialect, or a function over Polars frames.
        schemas: table → column → type, of at least the given tables.
        tables: the rows of every table that the statement reads.
        parameters: values of the SELECT's `$name` parameters.
        macros: statements to run before, such as CREATE MACRO.
        limit: seconds of computing after which the first run is given up; later runs get twenty times the time of the
            first.

    Attributes:
        names: the names of the statement's columns.
        types: the types of the statement's columns.
        original: the result on the original tables.
        unsteady: indices of columns that differ in another run, such as random numbers. For a SELECT, whose tables have
            no order, also of those that differ if the same rows are in another order.
        drawn: those of them that differ in another run on the very same tables.
        by_order: indices of columns of a function's frame that differ if the same rows of the tables are in another
            order. Changing a column keeps that order, so these are compared like all others.
        keeps_order: whether the statement orders its rows by their values alone.
        limit: seconds of computing after which a run is given up.

    Raises:
        ExperimentError: a table has no schema or other columns, or the statement does not run on the tables.
    """

    def __init__(
        self,
        compute: Compute,
        schemas: Schemas,
        tables: Mapping[str, Rows],
        *,
        parameters: Mapping[str, Any] | None = None,
        macros: Iterable[str] = (),
        limit: float = 600.0,
    ) -> None:
        self.compute = bare_statement(compute) if isinstance(compute, str) else compute
        self.parameters = dict(parameters or {})
        self.connection = _connected()
        folded = {name.casefold(): columns for name, columns in schemas.items()}
        self.schemas: dict[str, dict[str, str]] = {}
        for table, rows in tables.items():
            if table.casefold() not in folded:
                raise ExperimentError(
                    f"The table {table!r} has no schema.",
                    expected=f"one of {', '.join(schemas)}",
                    found=table,
                )
            self.schemas[table] = dict(folded[table.casefold()])
            self._load(table, rows)
            self.restore(table)
        for macro in macros:
            self.connection.execute(macro)
        self.connection.execute("SET enable_external_access = false")
        self.limit = limit
        try:
            self.names = self._describe()
            began = time.process_time()
            self.original = self.run()
            self.limit = max(_SHORTEST_LIMIT, 20 * (time.process_time() - began))
            again = (self.run(), self.run())
            shuffled = tuple(self._shuffled())
        except (duckdb.Error, pl.exceptions.PolarsError, RunFailed) as error:
            raise ExperimentError(
                "The statement does not run on these tables.", found=str(error).splitlines()[0]
            ) from error
        others = (*again, *shuffled)
        differing = frozenset(_unsteady(self.original, others))
        self.drawn = frozenset(_unsteady(self.original, again))
        by_itself = differing if isinstance(compute, str) else self.drawn
        self.unsteady, self.by_order = by_itself, differing - by_itself
        decided = [place for place in self.steady if place not in self.by_order]
        self.keeps_order = self._has_order() and all(
            same(self.original, other, decided, in_order=True) for other in others
        )

    @property
    def steady(self) -> tuple[int, ...]:
        """Indices of the columns that depend only on the values of the tables."""
        return tuple(place for place in range(len(self.names)) if place not in self.unsteady)

    # --- the tables ---------------------------------------------------------------------------------------

    def rows(self, table: str) -> int:
        """Number of rows of an original table."""
        return int(self.connection.execute(f"SELECT count(*) FROM originals.{quote(table)}").fetchall()[0][0])

    def change(self, table: str, select: str) -> None:
        """Replace a table of the statement by the result of a SELECT over the original tables.

        Raises:
            RunFailed: DuckDB cannot compute the SELECT for a value.
        """
        try:
            self.connection.execute(f"CREATE OR REPLACE TABLE main.{quote(table)} AS {select}")
        except duckdb.Error as error:
            raise RunFailed(error) from error

    def restrict_rows(self, table: str, numbers: np.ndarray) -> None:
        """Restrict a table of the statement to some rows, by their numbers from 0, in their order."""
        self.connection.register("_numbers", pa.table({"number": pa.array(numbers, pa.int64())}))
        self.change(
            table,
            f"SELECT * FROM originals.{quote(table)} WHERE rowid IN (SELECT number FROM _numbers) ORDER BY rowid",
        )
        self.connection.unregister("_numbers")

    def restore(self, table: str) -> None:
        """Restore the original rows of a table of the statement."""
        self.change(table, f"SELECT * FROM originals.{quote(table)} ORDER BY rowid")

    # --- runs ---------------------------------------------------------------------------------------------

    def run(self) -> Answer:
        """Result of the statement on the current tables.

        Raises:
            RunFailed: it fails at a value, or runs for too long.
        """
        with self._limited() as relation:
            listed = ", ".join(f"c{place}" for place in range(len(self.names)))
            query = f"SELECT {self._hashing} FROM {relation} AS _answer({listed})"
            read: Mapping[str, Any] = self.connection.execute(query, self._bound).fetchnumpy()
        hashes = tuple(np.asarray(read[f"h{place}"], dtype=np.uint64) for place in range(len(self.names)))
        return Answer(hashes, len(hashes[0]))

    def holding(self, text: str) -> frozenset[int]:
        """Indices of the columns in which a value, written as text, contains a text, on the current tables.

        Raises:
            RunFailed: the statement fails at a value, or runs for too long.
        """
        texts = ", ".join(
            f"coalesce(bool_or(contains(c{place}::VARCHAR, {literal(text)})), false)"
            for place in range(len(self.names))
        )
        with self._limited() as relation:
            listed = ", ".join(f"c{place}" for place in range(len(self.names)))
            query = f"SELECT {texts} FROM {relation} AS _answer({listed})"
            found = self.connection.execute(query, self._bound).fetchall()[0]
        return frozenset(place for place, holds in enumerate(found) if holds)

    def values(self) -> list[tuple[Any, ...]]:
        """The statement's rows on the current tables, as Python objects, in the order of `run`."""
        if isinstance(self.compute, str):
            return self.connection.execute(self.compute, self.parameters or None).fetchall()
        return self.compute(self._frames()).rows()

    # --- inside -------------------------------------------------------------------------------------------

    def _has_order(self) -> bool:
        """Whether the statement orders its rows at its end; a function's result may always be ordered."""
        if not isinstance(self.compute, str):
            return True
        try:
            (tree,) = statements_of(bare_statement(self.compute))
        except (SqlglotError, RecursionError):
            return False
        while isinstance(tree, exp.Subquery) and tree.args.get("order") is None:
            tree = tree.this
        return tree.args.get("order") is not None

    def _shuffled(self) -> Iterator[Answer]:
        """Result of the statement on tables with shuffled rows."""
        for seed in ("1", "2", "3"):
            for table in self.schemas:
                order = f"ORDER BY md5('{seed}' || rowid::VARCHAR)"
                self.change(table, f"SELECT * FROM originals.{quote(table)} {order}")
            yield self.run()
        for table in self.schemas:
            self.restore(table)

    def _load(self, table: str, rows: Rows) -> None:
        columns = self.schemas[table]
        declared = ", ".join(f"{quote(name)} {type_}" for name, type_ in columns.items())
        self.connection.execute(f"CREATE TABLE originals.{quote(table)} ({declared})")
        if isinstance(rows, Sequence):
            if rows:
                holes = ", ".join("?" * len(columns))
                self.connection.executemany(f"INSERT INTO originals.{quote(table)} VALUES ({holes})", rows)
            return
        arrow: pa.Table
        if isinstance(rows, pl.DataFrame):
            arrow = rows.to_arrow()
        else:
            arrow = rows.to_arrow_table() if isinstance(rows, duckdb.DuckDBPyRelation) else rows
        missing = [name for name in columns if name not in arrow.column_names]
        if missing:
            raise ExperimentError(
                f"The rows of {table!r} lack columns.",
                expected=", ".join(columns),
                found=", ".join(arrow.column_names),
                where=table,
            )
        self.connection.register("_rows", arrow)
        named = ", ".join(quote(name) for name in columns)
        self.connection.execute(f"INSERT INTO originals.{quote(table)} SELECT {named} FROM _rows")
        self.connection.unregister("_rows")

    def _frames(self) -> dict[str, pl.DataFrame]:
        return {
            table: self.connection.sql(f"SELECT * FROM main.{quote(table)} ORDER BY rowid").pl()
            for table in self.schemas
        }

    @property
    def _bound(self) -> dict[str, Any] | None:
        return (self.parameters or None) if isinstance(self.compute, str) else None

    @contextmanager
    def _limited(self) -> Iterator[str]:
        """The statement as a relation for a FROM clause; code in the block may fail at a value or at the time limit.

        Raises:
            RunFailed: it fails.
        """
        try:
            with time_limit(self.connection, self.limit):
                if isinstance(self.compute, str):
                    yield f"(\n{self.compute}\n)"
                else:
                    self.connection.register("_frame", self.compute(self._frames()))
                    yield "_frame"
                    self.connection.unregister("_frame")
        except (duckdb.Error, pl.exceptions.PolarsError, MemoryError) as error:
            raise RunFailed(error) from error

    def _describe(self) -> tuple[str, ...]:
        """Names of the statement's columns; the types that decide the hashing of their values are stored."""
        if isinstance(self.compute, str):
            query, values = f"SELECT * FROM (\n{self.compute}\n)", self.parameters or None
            described = self.connection.execute(f"DESCRIBE {query}", values).fetchall()
            # DESCRIBE reports an alias in wrong case if a column has the same name
            shown = self.connection.execute(f"{query} LIMIT 0", values).description or ()
            described = [(name, *rest) for (name, *_), (_, *rest) in zip(shown, described, strict=True)]
        else:
            self.connection.register("_frame", self.compute(self._frames()))
            described = self.connection.execute("DESCRIBE FROM _frame").fetchall()
            self.connection.unregister("_frame")
        hashing = []
        for place, (_, type_, *_) in enumerate(described):
            if type_ in ("DOUBLE", "FLOAT"):
                value = f"printf('%.10g', c{place})"
            else:
                value = distinguished(f"c{place}", self.connection.sqltype(str(type_)))
            hashing.append(f"hash({value}) AS h{place}")
        self._hashing = ", ".join(hashing)
        self.types = tuple(row[1] for row in described)
        return tuple(row[0] for row in described)


def _connected() -> duckdb.DuckDBPyConnection:
    """A connection in one thread whose plans do not depend on the data, with schemas for the original tables."""
    connection = duckdb.connect(
        config={
            "threads": 1,
            "memory_limit": "1GB",
            "temp_directory": "",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
            "python_scan_all_frames": False,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    connection.execute(f"SET disabled_optimizers = '{_DEPENDS_ON_DATA}'")
    connection.execute("CREATE SCHEMA originals")
    connection.execute("CREATE SCHEMA proof")
    return connection


def _unsteady(answer: Answer, others: Iterable[Answer]) -> set[int]:
    """Indices of columns to leave out so that the others agree in all results."""
    left = list(range(len(answer.hashes)))
    for other in others:
        while changed := changed_together(answer, other, left, in_order=False):
            # where only rows as a whole differ, the last column is the one that stands at other rows
            alone = [place for place in changed if not same(answer, other, [place], in_order=False)]
            left = [place for place in left if place not in (alone or changed[-1:])]
    return set(range(len(answer.hashes))) - set(left)
