"""SqlText: one SELECT in DuckDB's dialect and the facts derived from its text alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.tokenizer_core import TokenType

from recsys_lineage.errors import SqlAssetError
from recsys_lineage.sql.cte import is_cte
from recsys_lineage.sql.file_call import FileCall, file_calls, refuse_places_elsewhere
from recsys_lineage.sql.parsed import parsed_select
from recsys_lineage.sql.sql_place import place_in
from recsys_lineage.sql.statement import leading_comment

_READS_ALL = (exp.Columns, exp.Pivot, exp.Summarize)
"""Expressions that may read columns that they do not name."""
_COLUMN_NOTE = re.compile(r"^column:\s*(\w+)\s*:\s*(.+)$")


@dataclass(frozen=True)
class SqlText:
    """A SQL file's text, from which everything else is derived.

    Args:
        text: the file's content: a leading comment and a single SELECT.
        origin: the text's file or asset, for messages.
    """

    text: str
    origin: str = "<sql>"

    @classmethod
    def load(cls, path: str | Path) -> SqlText:
        """The text of a file.

        Raises:
            SqlAssetError: the file is missing, has no single SELECT, or reads something that its text does not name.
        """
        try:
            loaded = cls(Path(path).read_text(encoding="utf-8-sig"), str(path))
        except OSError as error:
            raise SqlAssetError("The SQL file cannot be read.", found=str(error), where=str(path)) from error
        _ = loaded.scans
        return loaded

    @cached_property
    def expression(self) -> exp.Query:
        """The parsed statement.

        Raises:
            SqlAssetError: the text is not exactly one SELECT; set operations, WITH, PIVOT, UNPIVOT, SUMMARIZE and
                VALUES count as SELECT.
        """
        advice = "split the file, one table each; the platform runs the CREATE and the INSERT"
        return parsed_select(self.text, self.origin, SqlAssetError, advice, shaped=True)

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """Names in FROM clauses that are neither CTEs nor files nor table functions: the upstream tables, sorted.

        They are in lower case, like all tables of a lake: for DuckDB `FROM Orders` and `FROM orders` are one table.
        """
        found: set[str] = set()
        files = {call.start for call in self.scans}
        for table in self.expression.find_all(exp.Table):
            if not isinstance(table.this, exp.Identifier) or is_cte(table):
                continue
            if table.this.meta.get("start") in files:
                continue
            if table.args.get("db"):
                raise SqlAssetError(
                    f"The table {table.sql(dialect='duckdb')} names a schema.",
                    expected="the name of an asset",
                    where=place_in(self.text, table.this.meta.get("start"), self.origin),
                )
            found.add(table.name.lower())
        return tuple(sorted(found))

    def place_of(self, table: str) -> str:
        """`origin:line:column` of the first FROM clause that names a table."""
        starts = [
            each.this.meta["start"]
            for each in self.expression.find_all(exp.Table)
            if each.name.lower() == table and "start" in each.this.meta
        ]
        return place_in(self.text, min(starts, default=None), self.origin)

    def columns_read(self, columns: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...] | None]:
        """The columns of each table that the statement needs; None if the text does not determine them.

        Args:
            columns: table → the names of its columns.
        """
        unknown: dict[str, tuple[str, ...] | None] = dict.fromkeys(columns)
        if self.expression.find(*_READS_ALL) is not None or any(
            join.args.get("method") == "NATURAL" for join in self.expression.find_all(exp.Join)
        ):
            return unknown
        schema: dict[str, object] = {
            table.lower(): {name.lower(): "VARCHAR" for name in names}
            for table, names in columns.items()
            if names
        }
        try:
            qualified = qualify(self.expression.copy(), schema=schema, dialect="duckdb")
            scopes = traverse_scope(pushdown_projections(qualified))
        except (SqlglotError, RecursionError):
            return unknown
        if qualified.find(exp.TableColumn) is not None:
            return unknown
        read: dict[str, set[str]] = {table: set() for table in schema}
        for scope in scopes:
            for column in scope.columns:
                source = scope.sources.get(column.table)
                if isinstance(source, exp.Table) and source.name.lower() in read:
                    read[source.name.lower()].add(column.name.lower())
                elif source is None and not scope.is_correlated_subquery:
                    return unknown
        return {
            table: tuple(name for name in names if name.lower() in read.get(table.lower(), ()))
            for table, names in columns.items()
        }

    @cached_property
    def scans(self) -> tuple[FileCall, ...]:
        """Table functions over files, and files used as tables, in the text's order.

        Raises:
            SqlAssetError: the text does not determine what is read, or it is no file on this machine.
        """
        calls = file_calls(self.text, self.expression, self.origin)
        refuse_places_elsewhere(calls)
        return calls

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the `$name` parameters, sorted."""
        return tuple(
            sorted({p.name for p in self.expression.find_all(exp.Parameter, exp.Placeholder) if p.name})
        )

    @cached_property
    def comment(self) -> list[str]:
        """Lines of the leading `--` comment, without the dashes."""
        return leading_comment(self.text)

    @cached_property
    def description(self) -> str:
        """The leading comment as prose, without its `column:` lines."""
        return "\n".join(line for line in self.comment if not _COLUMN_NOTE.match(line)).strip()

    @cached_property
    def column_descriptions(self) -> dict[str, str]:
        """`{column: text}` of the leading comment's lines `-- column: name: text`."""
        matches = (_COLUMN_NOTE.match(line) for line in self.comment)
        return {match[1]: match[2] for match in matches if match}

    @cached_property
    def code_version(self) -> str:
        """A hash of the statement's tokens: comments, white space and keyword case do not count."""
        tokens = sqlglot.tokenize(self.text, dialect="duckdb")
        literal = {TokenType.STRING, TokenType.IDENTIFIER, TokenType.VAR}
        parts = (
            f"{t.token_type.name}:{t.text if t.token_type in literal else t.text.upper()}" for t in tokens
        )
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
