"""The SQL of a source: one SELECT in DuckDB's dialect whose FROM clauses scan files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.tokenizer_core import TokenType

from recsys_lineage.files.source_file import parsed_pattern

FUNCTIONS = {"read_csv": "read_csv", "read_csv_auto": "read_csv", "read_parquet": "read_parquet",
             "parquet_scan": "read_parquet"}  # fmt: skip
TRACED_COLUMNS = ("_file", "_line")
"""The columns that every scan gets besides those of its files."""

OptionValue = str | bool | int | tuple[str, ...]


@dataclass(frozen=True)
class FileScan:
    """One `read_csv(…)` or `read_parquet(…)` of a source: which files, read how."""

    function: str
    pattern: str
    options: tuple[tuple[str, OptionValue], ...] = ()

    def option(self, name: str, default: OptionValue) -> OptionValue:
        """The value of an option, or `default` where the SQL does not set it."""
        return dict(self.options).get(name, default)

    def described(self) -> str:
        """The call with its options, for records and people."""
        options = "".join(f", {name} = {value!r}" for name, value in self.options)
        return f"{self.function}('{self.pattern}'{options})"

    def __str__(self) -> str:
        return f"{self.function}('{self.pattern}')"


@dataclass(frozen=True)
class SourceQuery:
    """A parsed source SQL.

    `columns` are the names that the SELECT gives, in order; `description` is its leading comment;
    `required_columns` names, for each scan, the file columns that the SQL uses.
    """

    sql: str
    scans: tuple[FileScan, ...]
    columns: tuple[str, ...]
    required_columns: Mapping[FileScan, tuple[str, ...]]
    description: str

    def rewritten(self, names: Mapping[FileScan, str]) -> str:
        """The SQL with each scan replaced by the relation that `names` gives for it; all else stays as written."""
        text = self.sql
        for start, end, scan in reversed(_scans_in_text(self.sql)):
            text = f'{text[:start]}"{names[scan]}"{text[end:]}'
        return text.strip().rstrip(";")


def parse_source_sql(sql: str) -> SourceQuery:
    """Reads a source SQL: what it scans, which columns of the files it uses and which it gives.

    Raises:
        ValueError: not a single SELECT, a FROM that is no scan of files, an output column without a name, or
            a column that could belong to several scans.
    """
    tree = _parsed(sql)
    tables = _scanned_tables(tree)
    scans = tuple(dict.fromkeys(scan for _, _, scan in _scans_in_text(sql)))
    if not scans:
        raise ValueError(
            "expected a SELECT that scans files, FROM read_csv('…') or read_parquet('…'); found none"
        )
    description = "\n".join(_leading_comment(sql))
    columns = tuple(column.alias_or_name for column in tree.selects)
    if "*" in columns or "" in columns:
        raise ValueError(
            "expected every output column of a source SQL to have a name (no *, and AS for expressions); "
            f"found {', '.join(column.sql(dialect='duckdb') for column in tree.selects)}"
        )
    return SourceQuery(sql, scans, columns, _required_columns(tree, tables), description)


def _parsed(sql: str) -> exp.Query:
    try:
        statements = [
            statement for statement in sqlglot.parse(sql, dialect="duckdb") if statement is not None
        ]
    except SqlglotError as error:
        raise ValueError(f"expected SQL that can be parsed; {str(error).splitlines()[0]}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise ValueError(f"expected one SELECT; found {len(statements)} statement(s) in: {sql[:200]}")
    return statements[0]


def _scans_in_text(sql: str) -> list[tuple[int, int, FileScan]]:
    """Where the calls of scan functions start and end in the text, in its order."""
    spans = []
    tokens = sqlglot.tokenize(sql, read="duckdb")
    for place, token in enumerate(tokens[:-1]):
        if token.text.casefold() not in FUNCTIONS or tokens[place + 1].token_type != TokenType.L_PAREN:
            continue
        depth = 0
        for other in tokens[place + 1 :]:
            depth += (other.token_type == TokenType.L_PAREN) - (other.token_type == TokenType.R_PAREN)
            if depth == 0:
                call = sqlglot.parse_one(sql[token.start : other.end + 1], dialect="duckdb")
                spans.append((token.start, other.end + 1, _scan(call)))
                break
    return spans


def _leading_comment(sql: str) -> list[str]:
    lines = []
    for line in sql.strip().splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return lines


def _scanned_tables(tree: exp.Query) -> list[tuple[exp.Table, FileScan]]:
    """Every table expression of the SQL that scans files, with its scan; refuses any other outside table."""
    named = {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}
    scanned = []
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier):
            if table.name.casefold() in named and not table.db:
                continue
            raise ValueError(
                f"expected FROM read_csv('…') or read_parquet('…') in a source SQL; found FROM {table.sql('duckdb')}. "
                "Sources read files only."
            )
        scanned.append((table, _scan(table.this)))
    return scanned


def _scan(call: exp.Expr) -> FileScan:
    name = (
        call.name.casefold()
        if isinstance(call, exp.Anonymous)
        else call.sql("duckdb").split("(")[0].casefold()
    )
    if name not in FUNCTIONS:
        raise ValueError(f"expected FROM read_csv('…') or read_parquet('…'); found FROM {call.sql('duckdb')}")
    own = [call.this] if isinstance(call.this, exp.Expr) else []
    arguments = [*own, *call.expressions]
    if not arguments or not isinstance(arguments[0], exp.Literal) or not arguments[0].is_string:
        raise ValueError(f"expected one file pattern in quotes; found {call.sql('duckdb')}")
    options = []
    for argument in arguments[1:]:
        if not isinstance(argument, exp.EQ | exp.PropertyEQ):
            raise ValueError(f"expected options as name = value; found {argument.sql('duckdb')}")
        options.append((argument.this.name.casefold(), _value(argument.expression)))
    return FileScan(FUNCTIONS[name], parsed_pattern(arguments[0].name), tuple(sorted(options)))


def _value(value: exp.Expr) -> OptionValue:
    if isinstance(value, exp.Boolean):
        return bool(value.this)
    if isinstance(value, exp.Literal):
        return value.name if value.is_string else int(value.name)
    if isinstance(value, exp.Array):
        return tuple(item.name for item in value.expressions)
    raise ValueError(
        f"expected a text, number, true, false or a list of texts as an option; found {value.sql('duckdb')}"
    )


def _required_columns(
    tree: exp.Query, tables: list[tuple[exp.Table, FileScan]]
) -> dict[FileScan, tuple[str, ...]]:
    """The file columns that the SQL names, for each scan; unqualified ones belong to the only source of their scope."""
    tree = tree.copy()
    scan_of = {}
    for number, (table, scan) in enumerate(_scanned_tables(tree)):
        name = f"_scan_{number}"
        table.set("alias", exp.TableAlias(this=exp.to_identifier(table.alias or name)))
        table.set("this", exp.to_identifier(name))
        scan_of[name] = scan
    required: dict[FileScan, dict[str, None]] = {scan: {} for _, scan in tables}
    for scope in traverse_scope(tree):
        scans = {
            alias: scan_of[source.name]
            for alias, source in scope.sources.items()
            if isinstance(source, exp.Table) and source.name in scan_of
        }
        query = scope.expression
        given = {select.alias for select in query.selects} if isinstance(query, exp.Query) else set()
        for column in scope.columns:
            if column.table:
                scan = scans.get(column.table)
            elif len(scope.sources) == 1 and scans:
                scan = next(iter(scans.values()))
                # an alias of the same SELECT, as in GROUP BY or ORDER BY, is no column of the file
                if column.name in given and column.find_ancestor(
                    exp.Group, exp.Order, exp.Having, exp.Qualify
                ):
                    continue
            elif scans and len(scope.sources) > 1:
                raise ValueError(
                    f"expected a table before the column {column.name!r}, since the SELECT reads several; "
                    f"write one of {', '.join(f'{alias}.{column.name}' for alias in scope.sources)}"
                )
            else:
                scan = None
            if (
                scan is not None
                and column.name not in TRACED_COLUMNS
                and not isinstance(column.this, exp.Star)
            ):
                required[scan][column.name] = None
    return {scan: tuple(names) for scan, names in required.items()}
