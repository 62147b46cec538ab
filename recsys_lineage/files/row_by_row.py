"""Which rows of files a source's SQL makes its rows of, where its text tells: each of one row, or several of one."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from recsys_lineage.errors import SourceSqlError
from recsys_lineage.files.source_query import TRACED_COLUMNS, SourceQuery
from recsys_lineage.sql.parsed import parsed_select

_CLAUSES = {"expressions", "from_", "from", "where"}
_OF_A_TABLE = {"this", "alias"}


def is_row_by_row(query: SourceQuery) -> bool:
    """Whether each row that a source's SQL gives is made of one row of its only scan, whose file and line it gives.

    Told by the text: a SELECT without a join, a group, DISTINCT, an order or a limit. What is told no is not
    necessarily otherwise.
    """
    if len(query.scans) != 1:
        return False
    tree = parsed_select(query.sql, query.origin, SourceSqlError, "keep one SELECT in the file")
    first, second, *_ = sqlglot.tokenize(query.sql, read="duckdb")
    if first.token_type != TokenType.SELECT or second.token_type == TokenType.ALL:
        return False
    if not isinstance(tree, exp.Select) or {name for name, value in tree.args.items() if value} - _CLAUSES:
        return False
    scanned = tree.find(exp.From)
    table = scanned.this if scanned is not None else None
    if not isinstance(table, exp.Table) or isinstance(table.this, exp.Identifier):
        return False
    if {name for name, value in table.args.items() if value} - _OF_A_TABLE:
        return False
    alias = table.args.get("alias")
    if alias is not None and alias.columns:
        return False
    given = {select.alias_or_name.casefold(): select.unalias() for select in tree.selects}
    return all(
        isinstance(column := given.get(name), exp.Column) and column.name.casefold() == name
        for name in TRACED_COLUMNS
    )


def takes_rows_apart(query: SourceQuery) -> bool:
    """Whether a source's SQL makes several rows of one row of a file, such as one of each element of a list.

    Told by the text: one call of a scan, which is joined with nothing but `unnest(…)` of its own values. Equal rows of
    one row of a file are then several elements that are equal, never one that a join or a UNION gave again.
    """
    tree = parsed_select(query.sql, query.origin, SourceSqlError, "keep one SELECT in the file")
    lists = (exp.Unnest, exp.Explode)
    if query.calls != 1 or not any(tree.find_all(*lists)) or any(tree.find_all(exp.SetOperation)):
        return False
    return all(
        isinstance(join.this, (exp.Unnest, exp.Lateral)) or isinstance(join.this.this, lists)
        for join in tree.find_all(exp.Join)
    )


def with_column(statement: str, column: str) -> str:
    """A statement that is row by row, with one more column before its own.

    Args:
        statement: the SQL that `is_row_by_row`, with what is to run in place of its scan.
        column: an expression over the columns of the scan, with AS and its name.
    """
    start = sqlglot.tokenize(statement, read="duckdb")[0]
    return f"{statement[: start.end + 1]} {column},{statement[start.end + 1 :]}"
