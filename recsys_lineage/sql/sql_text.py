"""SqlText: one SELECT in DuckDB's dialect and what can be derived from its text alone."""

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

_GENERATORS = frozenset({"range", "generate_series", "unnest", "repeat"})
_READS_ALL = (exp.Columns, exp.Pivot, exp.Summarize)
"""What may read columns that it does not name."""
_COLUMN_NOTE = re.compile(r"^column:\s*(\w+)\s*:\s*(.+)$")


@dataclass(frozen=True)
class SqlText:
    """A SQL file's text; everything else is derived from it, nothing is declared twice.

    Args:
        text: the file's content: a leading comment and a single SELECT.
        origin: where the text comes from, for messages.
    """

    text: str
    origin: str = "<sql>"

    @classmethod
    def load(cls, path: str | Path) -> SqlText:
        """The text of a file.

        Raises:
            SqlAssetError: when the file is missing or holds no single SELECT.
        """
        try:
            loaded = cls(Path(path).read_text(encoding="utf-8"), str(path))
        except OSError as error:
            raise SqlAssetError("The SQL file cannot be read.", found=str(error), where=str(path)) from error
        _ = loaded.expression
        return loaded

    @cached_property
    def expression(self) -> exp.Query:
        """The parsed statement.

        Raises:
            SqlAssetError: when the text is not exactly one SELECT (set operations and WITH included).
        """
        try:
            statements = [s for s in sqlglot.parse(self.text, dialect="duckdb") if s is not None]
        except SqlglotError as error:
            raise SqlAssetError(
                "The SQL cannot be parsed.", found=str(error).splitlines()[0], where=self.origin
            ) from error
        if len(statements) != 1 or not isinstance(statements[0], exp.Query):
            kinds = ", ".join(type(s).__name__.upper() for s in statements) or "nothing"
            raise SqlAssetError(
                "A SQL asset is one SELECT.",
                expected="a single SELECT, WITH … SELECT or set operation",
                found=kinds,
                where=self.origin,
                advice="split the file, one table each; the platform does the CREATE and the INSERT",
            )
        return statements[0]

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """Names in FROM clauses that are neither CTEs nor table functions: the upstream tables, sorted."""
        found: set[str] = set()
        for table in self.expression.find_all(exp.Table):
            if not isinstance(table.this, exp.Identifier) or _is_cte(table):
                continue
            if table.args.get("db"):
                raise SqlAssetError(
                    f"The table {table.sql(dialect='duckdb')} names a schema.",
                    expected="the name of an asset",
                    where=self.origin,
                )
            found.add(table.name)
        return tuple(sorted(found))

    @cached_property
    def table_functions(self) -> tuple[str, ...]:
        """Table functions in FROM clauses that may read something, such as `read_csv('x.csv')`, as written."""
        calls = (table for table in self.expression.find_all(exp.Table) if table.this is not None)
        return tuple(
            call.this.sql(dialect="duckdb")
            for call in calls
            if not isinstance(call.this, exp.Identifier) and call.name.casefold() not in _GENERATORS
        )

    def columns_read(self, columns: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...] | None]:
        """Which columns of each table the statement needs; None where the text does not tell them apart.

        Args:
            columns: names of every table's columns.
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
    def parameters(self) -> tuple[str, ...]:
        """Names of the `$name` parameters, sorted."""
        return tuple(
            sorted({p.name for p in self.expression.find_all(exp.Parameter, exp.Placeholder) if p.name})
        )

    @cached_property
    def comment(self) -> list[str]:
        """Lines of the leading `--` comment, without the dashes."""
        lines: list[str] = []
        for line in self.text.splitlines():
            stripped = line.strip()
            if stripped.startswith("--"):
                lines.append(stripped[2:].strip())
            elif stripped:
                break
        return lines

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


def _is_cte(table: exp.Table) -> bool:
    """Whether a WITH around the table defines its name.

    A query of a WITH sees those before it, and itself where the WITH is recursive; what follows the WITH sees all.
    sqlglot's own scopes do not look into PIVOT, UNPIVOT and SUMMARIZE.
    """
    node: exp.Expr = table
    while (parent := node.parent) is not None:
        if isinstance(parent, exp.With):
            before = parent.expressions[: node.index or 0]
            visible = [*before, node] if parent.args.get("recursive") else before
        else:
            around = parent.args.get("with_")
            visible = around.expressions if around is not None and around is not node else []
        if any(cte.alias.casefold() == table.name.casefold() for cte in visible):
            return not table.args.get("db")
        node = parent
    return False
