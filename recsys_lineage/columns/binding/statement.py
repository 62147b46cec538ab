"""Statement: the SQL under analysis, with the tables that it may read and positions for error messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NoReturn

import duckdb
from sqlglot import exp

from recsys_lineage.columns.binding.empty_tables import Columns, empty_tables, is_syntax
from recsys_lineage.columns.binding.file_columns import HIDDEN, columns_of_files, hidden_of_files
from recsys_lineage.columns.binding.inputs import Input, Inputs
from recsys_lineage.columns.binding.parameters import NOTHING_KNOWN, Parameters
from recsys_lineage.columns.relation import Relation, folded
from recsys_lineage.errors import ColumnLineageError, LineageError, did_you_mean
from recsys_lineage.sql.file_call import FileCall, file_calls
from recsys_lineage.sql.names import quote
from recsys_lineage.sql.parsed import fault_of_syntax, first_place
from recsys_lineage.sql.refused_name import advice_on
from recsys_lineage.sql.sql_place import PiecedSql, line_of, place_in, plain, start_of
from recsys_lineage.sql.statement import bare_statement

_TAKEN = "a statement that DuckDB takes over these tables"


@dataclass
class Statement:
    """The SQL under analysis.

    Args:
        text: the text as its author wrote it.
        tree: its syntax tree.
        origin: its file or asset, for messages.
        inputs: the tables and files that it may read.
        people: columns of inputs that identify people; if None, whatever is counted counts as people.
        parameters: facts about the values of its parameters.
    """

    text: str
    tree: exp.Expr
    origin: str
    inputs: Inputs
    people: frozenset[tuple[str, str]] | None = None
    parameters: Parameters = NOTHING_KNOWN
    _tables: dict[str, Input] = field(default_factory=dict)
    """Tables that the statement was found to read."""
    _stand_ins: dict[int, tuple[int, str]] = field(default_factory=dict)
    """Tables that stand in for files when DuckDB is asked: start in the text → end in the text, name of the table."""

    def place(self, node: exp.Expr | None) -> str:
        """`origin:line:column` of a part of the statement, or of the nearest enclosing part with a known position."""
        start: int | None = None
        while node is not None and (start := start_of(node)) is None:
            node = node.parent
        return place_in(self.text, start, self.origin)

    def fault(
        self,
        message: str,
        node: exp.Expr | None,
        *,
        expected: str | None = None,
        found: str | None = None,
        advice: str | None = None,
    ) -> ColumnLineageError:
        """An error about a part of the statement."""
        part = self.tree if node is None else node
        return ColumnLineageError(
            message,
            expected=expected or _TAKEN,
            found=found or part.sql("duckdb")[:200],
            where=self.place(node) if node is not None else first_place(self.text, self.origin),
            advice=advice or "correct it there",
        )

    def only(self, node: exp.Expr, understood: frozenset[str]) -> None:
        """Reject a node that has parts which are not supported.

        Raises:
            ColumnLineageError: it has another part.
        """
        for name, given in node.args.items():
            if given and name not in understood:
                self.opaque(node, f"leave {name.strip('_').replace('_', ' ').upper()} out")

    def opaque(self, node: exp.Expr, advice: str | None = None) -> NoReturn:
        """Reject a part of the statement that is not supported.

        Raises:
            ColumnLineageError: always.
        """
        raise self.fault(
            f"The lineage of {type(node).__name__} in the SQL cannot be derived.",
            node,
            found=node.sql("duckdb")[:200],
            advice=advice or "write it in another way, or declare the columns",
        )

    def unknown(
        self, what: str, name: str, node: exp.Expr | None, known: Sequence[str]
    ) -> ColumnLineageError:
        """An error about an unknown name."""
        return self.fault(
            f"There is no {what} {name!r}.",
            node,
            expected=f"one of {', '.join(known[:30])}" + (", …" if len(known) > 30 else "")
            if known
            else f"no {what}, because there is none",
            found=name,
            advice=did_you_mean(name, known)
            or (f"name a {what.removesuffix(' named')} that is there" if known else "leave it out"),
        )

    def table(self, node: exp.Table) -> Relation:
        """The columns of a table that the statement names.

        Raises:
            ColumnLineageError: `schemas` does not have it.
        """
        name = node.name
        parts = [part for part in (node.args.get("catalog"), node.args.get("db")) if part is not None]
        qualified = ".".join([*(part.name for part in parts), name])
        found = self.inputs.find(qualified) or (self.inputs.find(name) if _is_main(parts) else None)
        if found is None:
            raise self.unknown("table", qualified, node, list(self.inputs.names))
        self._tables[found.name] = found
        if parts and not _is_main(parts):
            start, end = parts[0].meta["start"], node.this.meta["end"] + 1
            added = "" if node.alias else f" AS {quote(name)}"
            self._stand_ins[start] = (end, f"{quote(found.name)}{added}")
        return found.relation

    @cached_property
    def may_mask(self) -> bool:
        """Whether it can mask values at all: it has a parameter, which may be a key, or keeps some groups only."""
        return self.tree.find(exp.Having, exp.Parameter, exp.Placeholder) is not None

    @cached_property
    def calls(self) -> dict[int, FileCall]:
        """Table functions over files and files used as tables, by their positions in the text.

        Raises:
            ColumnLineageError: the text does not determine which files are read.
        """
        try:
            calls = file_calls(self.text, self.tree, self.origin)  # type: ignore[arg-type]
        except LineageError as error:
            raise _of_columns(error) from None
        return {call.start: call for call in calls}

    def file(self, call: FileCall, added: str) -> Relation:
        """The columns of the files that a call reads, from `schemas` by its text or its path, else from the files.

        Args:
            call: a call in the statement.
            added: DuckDB's name for the relation; empty where the text names it.

        Raises:
            ColumnLineageError: `schemas` does not have them, and there are no such files.
        """
        written = " ".join(self.text[call.start : call.end].split())
        path = ", ".join(call.patterns)
        found = self.inputs.find(written) or self.inputs.find(path)
        if found is None:
            try:
                columns = columns_of_files(call, self.text[call.start : call.end])
            except LineageError as error:
                raise _of_columns(error) from None
            found = None if columns is None else self.inputs.add(path, columns)
        if found is None:
            raise ColumnLineageError(
                f"The columns of the files {path!r} are not known.",
                expected=f"{path!r} among the schemas, with the files' columns and types, or the files themselves",
                found=", ".join(list(self.inputs.names)[:30]) or "no schemas",
                where=call.where,
                advice=did_you_mean(path, self.inputs.names) or "DESCRIBE of the call gives them",
            )
        self._tables[found.name] = found
        self._stand_ins[call.start] = (
            call.end,
            f"{quote(found.name)} AS {quote(added)}" if added else quote(found.name),
        )
        return replace(found.relation, hidden=hidden_of_files(call, found))

    def show(self, node: exp.Expr, relation: str, name: str) -> None:
        """Let DuckDB find a hidden column of files, which the table that stands in for them does not have.

        Args:
            node: the name in the statement.
            relation: the relation in the FROM clause.
            name: the column.
        """
        places = [each.meta for each in node.walk() if "start" in each.meta]
        if places:
            is_item = isinstance(node.parent, exp.Select) and node.arg_key == "expressions"
            shown = f"CAST({quote(relation)}.rowid AS {HIDDEN[name]})" + (
                f" AS {quote(name)}" if is_item else ""
            )
            start, end = min(each["start"] for each in places), max(each["end"] for each in places)
            self._stand_ins[start] = (end + 1, shown)

    def described(self) -> Columns:
        """Names and types of its result's columns from DuckDB; its tables must have been looked up before.

        Raises:
            ColumnLineageError: DuckDB refuses the statement, or a table's columns.
        """
        try:
            return self._describe(self._runnable(bare_statement(self.text)))
        except duckdb.Error as error:
            raise self._refused(error) from None

    def spelled(self) -> list[str]:
        """Names of its result's columns; DESCRIBE reports an alias in wrong case if a column has the same name."""
        return [name for name, _ in self._describe(self._runnable(bare_statement(self.text)), runs=True)]

    def _refused(self, error: duckdb.Error) -> ColumnLineageError:
        """DuckDB's error for the statement, with its position."""
        stand_ins = {
            call: self._stand_ins[start][1]
            for start, call in (self.calls if self._stand_ins else {}).items()
            if start in self._stand_ins
        }
        pieces = PiecedSql.of(self.text, stand_ins)
        offset: int | None = None
        try:
            _ = self._describe(pieces.sql)
        except duckdb.Error as pieced:
            error, offset = pieced, pieces.offset(pieced, lines_before=1)
        return ColumnLineageError(
            f"DuckDB refuses the SQL: {plain(error)}",
            expected=_TAKEN,
            found=line_of(self.text, offset or 0),
            where=first_place(self.text, self.origin)
            if offset is None
            else place_in(self.text, offset, self.origin),
            advice=advice_on(plain(error), self.inputs.names),
        )

    def fault_of_syntax(self, error: ColumnLineageError) -> ColumnLineageError:
        """The error itself, or the syntax error if DuckDB does not parse the statement at all."""
        if is_syntax(bare_statement(self.text)):
            return error
        found, where = fault_of_syntax(self.text, self.origin, error)
        if not found.startswith("syntax error"):  # such as a name that occurs twice
            return error
        return ColumnLineageError(
            "The SQL cannot be parsed.",
            expected="one SELECT in DuckDB's dialect",
            found=found,
            where=where,
            advice="correct it there",
        )

    def types_of(self, query: exp.Expr) -> list[str] | None:
        """The types of the columns of a query composed of parts of the statement; None where DuckDB refuses it."""
        query = query.copy()
        for table in list(query.find_all(exp.Table)):
            start = table.this.meta.get("start") if isinstance(table.this, exp.Expr) else None
            if start in self._stand_ins:
                _, name = self._stand_ins[start]
                table.set("this", exp.maybe_parse(name, into=exp.Table, dialect="duckdb").this)
        try:
            return [kind for _, kind in self._describe(query.sql("duckdb"), query)]
        except duckdb.Error:
            return None

    def _runnable(self, text: str) -> str:
        """The text with empty tables in place of files."""
        for start in sorted(self._stand_ins, reverse=True):
            end, name = self._stand_ins[start]
            text = f"{text[:start]}{name}{text[end:]}"
        return text

    def _describe(self, sql: str, tree: exp.Expr | None = None, *, runs: bool = False) -> Columns:
        """DuckDB's description of the statement, or of another one composed of its parts."""
        tables = {name: each.columns for name, each in self._tables.items()}
        parameters = list((tree or self.tree).find_all(exp.Parameter, exp.Placeholder))
        named = sorted({each.name for each in parameters if each.name})
        unnamed = sum(not each.name for each in parameters)
        return empty_tables().described(sql, tables, named, unnamed, runs=runs)


def _of_columns(error: LineageError) -> ColumnLineageError:
    """An error about the files of a statement, converted to one about its lineage."""
    return ColumnLineageError(
        error.message, expected=error.expected, found=error.found, where=error.where, advice=error.advice
    )


def _is_main(parts: Sequence[exp.Expr]) -> bool:
    """Whether a table's schema and catalog are DuckDB's defaults, or not named."""
    return all(folded(part.name) in ("main", "memory") for part in parts)
