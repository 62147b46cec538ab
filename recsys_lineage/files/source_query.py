"""The SQL of a source: one SELECT in DuckDB's dialect whose FROM clauses scan files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.tokenizer_core import TokenType

from recsys_lineage.errors import SourceSqlError, SqlAssetError
from recsys_lineage.files.csv.csv_dialect import CsvDialect
from recsys_lineage.files.file_scan import FileScan as FileScan
from recsys_lineage.files.file_scan import OptionValue as OptionValue
from recsys_lineage.files.parquet.parquet_options import ParquetOptions
from recsys_lineage.files.source_file import parsed_pattern
from recsys_lineage.sql.cte import is_cte
from recsys_lineage.sql.file_call import FileCall, file_calls
from recsys_lineage.sql.names import quote
from recsys_lineage.sql.parsed import parsed_select
from recsys_lineage.sql.sql_place import place_in, start_of
from recsys_lineage.sql.statement import BYTE_ORDER_MARK, leading_comment
from recsys_lineage.sql.written_sql import WrittenSql

FUNCTIONS = {"read_csv": "read_csv", "read_csv_auto": "read_csv", "read_parquet": "read_parquet",
             "parquet_scan": "read_parquet"}  # fmt: skip
TRACED_COLUMNS = ("_file", "_line")
"""The columns that every scan gets in addition to those of its files."""

ORIGIN = "the source's SQL"
_FROM = "write FROM read_csv('…') or FROM read_parquet('…')"


@dataclass(frozen=True)
class SourceQuery:
    """A parsed source SQL.

    `columns` are the names of the SELECT's columns, in order; `description` is its leading comment; `required_columns`
    has, for each scan, the file columns that the SQL uses, and `named_at` the position (`origin:line:column`) where
    each is first named. `column_places` has the position of each column of the SELECT.
    """

    sql: str
    scans: tuple[FileScan, ...]
    columns: tuple[str, ...]
    required_columns: Mapping[FileScan, tuple[str, ...]]
    description: str
    origin: str = ORIGIN
    named_at: Mapping[FileScan, Mapping[str, str]] = field(default_factory=dict)
    column_places: Mapping[str, str] = field(default_factory=dict)

    def rewritten(self, names: Mapping[FileScan, str]) -> str:
        """The SQL with each scan replaced by its relation in `names`; everything else stays as written.

        Trailing semicolons and comments are left out, so that it fits in parentheses.
        """
        return self.written({scan: quote(name) for scan, name in names.items()}).statement.strip()

    @property
    def calls(self) -> int:
        """Number of scan calls in the SQL, repeated ones included."""
        return len(scan_calls(self))

    def written(self, relations: Mapping[FileScan, str]) -> WrittenSql:
        """The SQL with the replacement of each scan: a name, or a SELECT in parentheses."""
        return WrittenSql(self.sql, self.origin, {call: relations[scan] for call, scan in scan_calls(self)})


def parse_source_sql(sql: str, origin: str = ORIGIN, *, bound: bool = False) -> SourceQuery:
    """Parse a source SQL: its scans, the file columns that it uses and its output columns.

    Args:
        sql: the SQL text.
        origin: its file or asset, for messages.
        bound: whether it may have parameters, whose values the caller supplies.

    Raises:
        SourceSqlError: not a single SELECT, a FROM that is no scan of files, an output column without a name, a column
            that could belong to several scans, or a parameter without a value.
    """
    sql = sql.removeprefix(BYTE_ORDER_MARK)
    tree = _parsed(sql, origin)
    parameter = None if bound else next(tree.find_all(exp.Parameter, exp.Placeholder), None)
    if parameter is not None:
        raise SourceSqlError(
            "The SQL has a parameter without a value.",
            expected="a SELECT without $names and ?",
            found=parameter.sql(dialect="duckdb"),
            where=place_in(sql, _first_parameter(sql), origin),
            advice="write the value itself, or put quotes around a column that is called so",
        )
    calls = _calls(sql, tree, origin)
    _scanned_tables(tree, {call.start: scan for call, scan in calls}, sql, origin)
    scans = tuple(dict.fromkeys(scan for _, scan in calls))
    if not scans:
        raise SourceSqlError(
            "The SQL reads no file.",
            expected="a SELECT that scans files",
            found="none",
            where=origin,
            advice=_FROM,
        )
    description = "\n".join(leading_comment(sql))
    columns = tuple(column.alias_or_name for column in tree.selects)
    column_places = {
        name: place_in(sql, start_of(column), origin)
        for name, column in reversed([*zip(columns, tree.selects, strict=True)])
    }
    if unnamed := [column for column in tree.selects if column.alias_or_name in ("*", "")]:
        raise SourceSqlError(
            "The columns of the SQL's result cannot be determined.",
            expected="every output column to have a name",
            found=", ".join(column.sql(dialect="duckdb") for column in unnamed),
            where=place_in(sql, start_of(unnamed[0]), origin),
            advice="write out each column instead of *, and AS after an expression",
        )
    starts = _required_columns(tree, calls, sql, origin)
    required = {scan: tuple(names) for scan, names in starts.items()}
    named_at = {
        scan: {name: place_in(sql, start, origin) for name, start in names.items()}
        for scan, names in starts.items()
    }
    return SourceQuery(sql, scans, columns, required, description, origin, named_at, column_places)


def scan_calls(query: SourceQuery) -> list[tuple[FileCall, FileScan]]:
    """Each scan call in a source's SQL, with its scan, in the text's order."""
    return _calls(query.sql, _parsed(query.sql, query.origin), query.origin)


def _first_parameter(sql: str) -> int | None:
    """Position of the first `$` or `?` of a parameter."""
    signs = (TokenType.PARAMETER, TokenType.PLACEHOLDER)
    return next((t.start for t in sqlglot.tokenize(sql, read="duckdb") if t.token_type in signs), None)


def _parsed(sql: str, origin: str) -> exp.Query:
    return parsed_select(sql, origin, SourceSqlError, "keep one SELECT in the file")


def _calls(sql: str, tree: exp.Query, origin: str) -> list[tuple[FileCall, FileScan]]:
    """The calls of scan functions in the text's order."""
    try:
        calls = file_calls(sql, tree, origin)
    except SqlAssetError as error:
        raise SourceSqlError(
            "The SQL reads what a source may not.",
            expected=error.expected,
            found=error.found,
            where=error.where,
            advice=_FROM,
        ) from error
    scans = [(call, _scan(call)) for call in calls]
    for call, scan in scans:
        _check_options(call, scan)
    return scans


def _check_options(call: FileCall, scan: FileScan) -> None:
    """Raise SourceSqlError, with the position of the call, if an option of a scan is not supported."""
    try:
        (ParquetOptions if scan.function == "read_parquet" else CsvDialect).of(scan)
    except SourceSqlError as error:
        raise SourceSqlError(
            error.message,
            expected=error.expected,
            found=error.found,
            where=f"{call.where}, {scan}",
            advice=error.advice,
        ) from None


def _scanned_tables(
    tree: exp.Query, scans: Mapping[int, FileScan], sql: str, origin: str
) -> list[tuple[exp.Table, FileScan]]:
    """Every table expression of the SQL that scans files, with its scan; refuses any other outside table."""
    scanned = []
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier):
            if is_cte(table):
                continue
            raise SourceSqlError(
                "Sources read files only.",
                expected="a scan of files, or a table of the SQL's own WITH",
                found=f"FROM {table.sql('duckdb')}",
                where=place_in(sql, start_of(table), origin),
                advice=_FROM,
            )
        if (scan := scans.get(table.this.meta.get("start", -1))) is not None:
            scanned.append((table, scan))
    return scanned


_JSON = "make Parquet of JSON before, by DuckDB: COPY (FROM read_json('day.jsonl')) TO 'day.parquet'"


def _scan(call: FileCall) -> FileScan:
    if call.function not in FUNCTIONS:
        raise SourceSqlError(
            "Sources read CSV and Parquet files only.",
            expected=f"one of {', '.join(FUNCTIONS)}",
            found=call.function,
            where=call.where,
            advice=_FROM + (f"; {_JSON}" if "json" in call.function else ""),
        )
    if len(call.patterns) != 1:
        raise SourceSqlError(
            "A scan names its files by one pattern.",
            expected="one file pattern in quotes",
            found=f"{list(call.patterns)}",
            where=call.where,
            advice="join several scans by UNION ALL, or write a pattern with *",
        )
    options = []
    for argument in call.arguments:
        if not isinstance(argument, exp.EQ | exp.PropertyEQ):
            raise SourceSqlError(
                "An option of a scan cannot be read.",
                expected="options as name = value",
                found=argument.sql("duckdb"),
                where=call.where,
                advice="correct the option in the source's SQL",
            )
        options.append((argument.this.name.casefold(), _value(argument.expression, call.where)))
    return FileScan(FUNCTIONS[call.function], parsed_pattern(call.patterns[0]), tuple(sorted(options)))


def _value(value: exp.Expr, where: str) -> OptionValue:
    if isinstance(value, exp.Boolean):
        return bool(value.this)
    if isinstance(value, exp.Literal):
        return value.name if value.is_string else int(value.name)
    if isinstance(value, exp.ByteString):
        return str(value.this)  # E'\\t', with its escapes read
    if isinstance(value, exp.Chr) and isinstance(value.expressions[0], exp.Literal):
        return chr(int(value.expressions[0].name))
    if isinstance(value, exp.Neg) and isinstance(value.this, exp.Literal) and value.this.is_int:
        return -int(value.this.name)
    if isinstance(value, exp.Array):
        return tuple(item.name for item in value.expressions)
    raise SourceSqlError(
        "The value of an option cannot be read.",
        expected="a text, a number, true, false or a list of texts",
        found=value.sql("duckdb"),
        where=where,
        advice="write a plain value, or take the option out: columns of CSV files are text, which the SELECT casts, "
        "as by TRY_CAST",
    )


def _required_columns(
    tree: exp.Query, calls: Sequence[tuple[FileCall, FileScan]], sql: str, origin: str
) -> dict[FileScan, dict[str, int | None]]:
    """The file columns that the SQL names, for each scan, and their first position in the text.

    Unqualified columns belong to the only source of the innermost SELECT with a FROM.
    """
    tree = tree.copy()
    scan_of = {}
    scanned = _scanned_tables(tree, {call.start: scan for call, scan in calls}, sql, origin)
    for number, (table, scan) in enumerate(scanned):
        name = f"_scan_{number}"
        table.set("alias", exp.TableAlias(this=exp.to_identifier(table.alias or name)))
        table.set("this", exp.to_identifier(name))
        scan_of[name] = scan
    required: dict[FileScan, dict[str, int | None]] = {scan: {} for _, scan in scanned}
    for scope in traverse_scope(tree):
        # what its FROM names; a WITH alone reads nothing
        sources = {alias: source for alias, (_, source) in scope.selected_sources.items()}
        scans = {
            alias: scan_of[source.name]
            for alias, source in sources.items()
            if isinstance(source, exp.Table) and source.name in scan_of
        }
        query = scope.expression
        selected = {select.alias for select in query.selects} if isinstance(query, exp.Query) else set()
        for column in scope.columns:
            if not column.table and isinstance(query, exp.Select) and _select_of(column) is not query:
                continue  # of a subquery, which is a scope of its own
            if column.table:
                scan = scans.get(column.table)
            elif len(sources) == 1 and scans:
                scan = next(iter(scans.values()))
                # an alias of the same SELECT, as in GROUP BY or ORDER BY, is no column of the file
                if column.name in selected and column.find_ancestor(
                    exp.Group, exp.Order, exp.Having, exp.Qualify
                ):
                    continue
            elif scans and len(sources) > 1:
                named = ", ".join(f"{alias}.{column.name}" for alias in sources)
                raise SourceSqlError(
                    f"The column {column.name!r} could belong to several tables.",
                    expected="a table before the column, since the SELECT reads several",
                    found=column.name,
                    where=place_in(sql, start_of(column), origin),
                    advice=f"write one of {named}",
                )
            else:
                scan = None
            if (
                scan is not None
                and column.name.casefold() not in TRACED_COLUMNS
                and not isinstance(column.this, exp.Star)
            ):
                required[scan].setdefault(column.name, start_of(column))
    return required


def _select_of(column: exp.Column) -> exp.Select | None:
    """The innermost SELECT with a FROM around a column; None if there is none."""
    select = column.parent_select
    while select is not None and not (select.args.get("from_") or select.args.get("from")):
        select = select.parent_select
    return select
