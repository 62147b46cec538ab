"""Row-by-row SQL: whether each row of a source comes from one row of a file or from several, where its text decides."""

from __future__ import annotations

from pathlib import PurePosixPath
from unicodedata import normalize

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from recsys_lineage.errors import SourceSqlError
from recsys_lineage.files.source_file import LANDING
from recsys_lineage.files.source_query import TRACED_COLUMNS, SourceQuery, scan_calls
from recsys_lineage.sql.names import quote
from recsys_lineage.sql.parsed import parsed_select

_CLAUSES = {"expressions", "from_", "from", "joins", "where", "distinct", "qualify", "order"}
_OF_A_TABLE = {"this", "alias"}
_ANY = "*?[{"


def scan_of_rows(query: SourceQuery, added: str) -> str | None:
    """Name, in a source's SQL, of the one scan whose rows become the result's rows, with their file and line.

    The text must be a SELECT without a group, LIMIT, a set operation or WITH that returns `_file` and `_line` of one
    scan unchanged. It may join that scan with others, if these cannot read the same files, and be DISTINCT, since a row
    of a file has one hash. The result is None in doubt.

    Args:
        query: the source's SQL.
        added: the name of a column to be added before its own.

    Returns:
        The name with a dot as a column's prefix: `"e".`; empty where the scan is the only table; None in doubt.
    """
    tree = parsed_select(query.sql, query.origin, SourceSqlError, "keep one SELECT in the file")
    first, second, *_ = sqlglot.tokenize(query.sql, read="duckdb")
    if first.token_type != TokenType.SELECT or second.token_type == TokenType.ALL:
        return None
    if not isinstance(tree, exp.Select) or {name for name, value in tree.args.items() if value} - _CLAUSES:
        return None
    distinct, scanned = tree.args.get("distinct"), tree.find(exp.From)
    if scanned is None or (distinct is not None and distinct.args.get("on")) or _takes_another(tree, added):
        return None
    joined = tree.args.get("joins") or []
    tables = {table.alias_or_name: table for table in (scanned.this, *(join.this for join in joined))}
    selected = {select.alias_or_name.casefold(): select.unalias() for select in tree.selects}
    columns = [selected.get(name) for name in TRACED_COLUMNS]
    if not all(
        isinstance(column, exp.Column) and column.name.casefold() == name
        for column, name in zip(columns, TRACED_COLUMNS, strict=True)
    ):
        return None
    name, *others = {column.table for column in columns if isinstance(column, exp.Column)}
    if others or (joined and not name):
        return None
    table = tables.get(name) if joined else scanned.this
    if not isinstance(table, exp.Table) or isinstance(table.this, exp.Identifier):
        return None
    if {key for key, value in table.args.items() if value} - _OF_A_TABLE:
        return None
    alias = table.args.get("alias")
    if alias is not None and alias.columns:
        return None
    start = table.this.meta.get("start", -1)
    own = next((scan for call, scan in scan_calls(query) if call.start == start), None)
    if own is None or any(may_share_files(own.pattern, scan.pattern) for scan in query.scans if scan != own):
        return None
    return f"{quote(name)}." if joined else ""


def _takes_another(tree: exp.Select, added: str) -> bool:
    """Whether ORDER BY or QUALIFY refer to another column once one is added before the others."""
    order, qualify = tree.args.get("order"), tree.args.get("qualify")
    keys = [key.this for key in order.expressions] if order is not None else []
    if any(isinstance(key, exp.Literal) or key.name.casefold() == "all" for key in keys):
        return True
    clauses = [clause for clause in (order, qualify) if clause is not None]
    named = (column.name.casefold() for clause in clauses for column in clause.find_all(exp.Column))
    return added.casefold() in named


def may_share_files(one: str, other: str) -> bool:
    """Whether a file could match two patterns of scans, judging by their prefixes; if false, no file does."""
    first, second = _beginning(one), _beginning(other)
    landed = f"{LANDING}/"
    return any(
        a.startswith(b) or b.startswith(a)
        for a, b in ((first, second), (landed + first, second), (first, landed + second))
    )


def _beginning(pattern: str) -> str:
    """Common prefix of a pattern's paths, for any case and Unicode normalization."""
    path = normalize("NFC", str(PurePosixPath(pattern))).casefold()
    return path[: min((path.find(sign) for sign in _ANY if sign in path), default=len(path))]


def takes_rows_apart(query: SourceQuery) -> bool:
    """Whether a source's SQL turns one row of a file into several, such as one for each element of a list.

    The text must have one call of a scan, joined only with `unnest(…)` of its own values. Equal rows from one row of a
    file are then equal elements, never one element repeated by a join or a UNION.
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
    """The statement with one more column before its own; `scan_of_rows` must find its scan.

    Args:
        statement: the SQL, with the replacements of its scans.
        column: an expression over the columns of that scan, with AS and its name.
    """
    first, second, *_ = sqlglot.tokenize(statement, read="duckdb")
    start = second if second.token_type == TokenType.DISTINCT else first
    return f"{statement[: start.end + 1]} {column},{statement[start.end + 1 :]}"
