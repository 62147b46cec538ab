"""FileCall: one place in a SELECT's FROM clauses that reads files, with its position in the text."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from recsys_lineage.errors import SqlAssetError
from recsys_lineage.sql.cte import is_cte

FILE_FUNCTIONS = frozenset(
    {
        "parquet_file_metadata", "parquet_kv_metadata", "parquet_metadata", "parquet_scan", "parquet_schema",
        "read_blob", "read_csv", "read_csv_auto", "read_json", "read_json_auto", "read_json_objects",
        "read_json_objects_auto", "read_ndjson", "read_ndjson_auto", "read_ndjson_objects", "read_parquet",
        "read_text",
    }
)  # fmt: skip
"""Table functions whose first argument is a path or a list of paths."""
PURE_FUNCTIONS = frozenset(
    {
        "generate_series", "icu_calendar_names", "json_each", "json_tree", "pg_timezone_names", "range", "repeat",
        "repeat_row", "summary", "test_all_types", "test_vector_types", "unnest",
    }
)  # fmt: skip
"""Table functions that generate rows from their arguments alone."""
_SUFFIXES = {
    "csv": "read_csv_auto", "tsv": "read_csv_auto", "parquet": "read_parquet", "json": "read_json_auto",
    "jsonl": "read_json_auto", "ndjson": "read_json_auto",
}  # fmt: skip
_NAMED_FILE = re.compile(rf"\.({'|'.join(_SUFFIXES)})(\.gz|\.zst)?$", re.IGNORECASE)


@dataclass(frozen=True)
class FileCall:
    """A table function over files, `read_csv('*.csv', delim = ';')`, or a file's name in place of a table's.

    Args:
        function: DuckDB's name of the function, in lower case; for a file's name the one for its extension.
        patterns: the paths or patterns of its first argument, as written.
        arguments: the function's further arguments, parsed.
        options: the same as text; empty, or starting with a comma.
        start: the start of the call in the text.
        end: the end of the call in the text.
        where: its origin, line and column, for messages.
        alias: the table name that DuckDB derives from a file's name; empty if there is none, or an explicit alias.
    """

    function: str
    patterns: tuple[str, ...]
    arguments: tuple[exp.Expr, ...]
    options: str
    start: int
    end: int
    where: str
    alias: str = ""


def is_file_name(name: str) -> bool:
    """Whether DuckDB takes a name in place of a table's for a file name, judging by its extension."""
    return _NAMED_FILE.search(name) is not None


def file_calls(text: str, tree: exp.Query, origin: str) -> tuple[FileCall, ...]:
    """Every place of a parsed SELECT that reads files, in the text's order.

    Raises:
        SqlAssetError: a table function may read other files than those that it names, or files are not named by text
            literals.
    """
    tokens = sqlglot.tokenize(text, read="duckdb")
    calls = [call for node in tree.walk() if (call := _call(text, node, tokens, origin)) is not None]
    known = {call.start for call in calls}
    for token, following in itertools.pairwise(tokens):
        # sqlglot passes over the inside of a few statements; what DuckDB would call there is not let through
        called = token.text.casefold() in FILE_FUNCTIONS and following.token_type == TokenType.L_PAREN
        if called and token.start not in known:
            raise _refused(
                f"{token.text}(…)", place(text, token.start, origin), "a table function in a FROM clause"
            )
    return tuple(sorted(calls, key=lambda call: call.start))


def refuse_places_elsewhere(calls: Sequence[FileCall]) -> None:
    """Check that each pattern of the calls names files on this machine, and nothing above its base folder.

    Raises:
        SqlAssetError: a pattern is a URL, points upwards, or covers the whole machine.
    """
    for call in calls:
        for pattern in call.patterns:
            parts = pattern.split("/")
            url = "://" in pattern or pattern.startswith(("~", "file:"))
            if url or ".." in parts or not pattern.strip("/*?") or pattern.startswith(("/*", "/?", "/[")):
                raise SqlAssetError(
                    f"{pattern!r} cannot be read by a SQL asset.",
                    expected="files of this machine: a path below the asset's folder, without '..', or an absolute "
                    "one whose first folder is named",
                    found=pattern,
                    where=call.where,
                    advice="let a separate asset or another process copy other files into a folder, "
                    "and name that folder",
                )


def replaced(text: str, relations: Mapping[FileCall, str]) -> str:
    """The text with calls replaced by the given relations; everything else stays as written."""
    for call in sorted(relations, key=lambda call: call.start, reverse=True):
        text = f"{text[: call.start]}{relations[call]}{text[call.end :]}"
    return text


def place(text: str, start: int, origin: str) -> str:
    """`origin:line:column` of a character of a text, both from 1."""
    before = text[:start]
    return f"{origin}:{before.count(chr(10)) + 1}:{start - before.rfind(chr(10))}"


def _call(text: str, node: exp.Expr, tokens: list[Token], origin: str) -> FileCall | None:
    if isinstance(node, exp.Summarize | exp.Describe):
        if node.find(exp.Table) is None or isinstance(node.this, exp.Schema | exp.Literal):
            raise _refused(node.sql("duckdb"), origin, "SUMMARIZE or DESCRIBE of a table or a SELECT")
        return None
    if not isinstance(node, exp.Table | exp.Lateral):
        return None
    called = node.this
    if isinstance(called, exp.Identifier):
        if isinstance(node, exp.Table) and is_cte(node):
            return None
        return _named_file(text, node, called, origin)
    if not isinstance(called, exp.Func):
        return None
    span = called.meta
    if "start" not in span:
        # sqlglot keeps no place of what is no function of a name, such as UNNEST
        return None
    start = span["start"]
    name = text[start : span["end"] + 1].strip('"').casefold()
    where = place(text, start, origin)
    if name in PURE_FUNCTIONS and name not in FILE_FUNCTIONS:
        return None
    if name not in FILE_FUNCTIONS or node.args.get("db") or isinstance(node, exp.Lateral):
        expected = (
            f"one of {', '.join(sorted(FILE_FUNCTIONS))}, or one that reads nothing, such as range and unnest"
        )
        raise _refused(f"{name}(…)", where, expected)
    opening = next(i for i, token in enumerate(tokens) if token.start > span["end"])
    closing = _closing(tokens, opening)
    if text[:start].rstrip().endswith("."):
        raise _refused(f"{name}(…) of a schema", where, f"{name}(…) alone")
    first = _first_argument_end(tokens, opening, closing)
    call = sqlglot.parse_one(
        f"SELECT f({text[tokens[opening].end + 1 : tokens[closing].start]})", dialect="duckdb"
    )
    arguments = call.selects[0].expressions  # type: ignore[attr-defined]
    return FileCall(
        function=name,
        patterns=_patterns(name, arguments[0] if arguments else None, where),
        arguments=tuple(arguments[1:]),
        options=text[first : tokens[closing].start].rstrip(),
        start=start,
        end=tokens[closing].end + 1,
        where=where,
    )


def _named_file(text: str, table: exp.Expr, name: exp.Identifier, origin: str) -> FileCall | None:
    """A call for FROM 'a.parquet' and FROM "a.parquet", which DuckDB treats the same."""
    span = name.meta
    written_as_text = text[span["start"]] == "'" if "start" in span else False
    if not name.args.get("quoted") or not (written_as_text or re.search(r"[./\\*?]", name.name)):
        return None
    start = span["start"]
    where = place(text, start, origin)
    found = _NAMED_FILE.search(name.name)
    if table.args.get("db") or found is None:
        expected = f"a name that ends in one of {', '.join(f'.{suffix}' for suffix in _SUFFIXES)}"
        raise _refused(repr(name.name), where, expected)
    patterns = _patterns("FROM", exp.Literal.string(name.name), where)
    stem = name.name.replace("\\", "/").rsplit("/", 1)[-1].split(".", 1)[0]
    alias = "" if table.args.get("alias") else (name.name if re.search(r"[*?\[]", name.name) else stem)
    return FileCall(
        _SUFFIXES[found[1].casefold()], patterns, (), "", start, span["end"] + 1, where, alias=alias
    )


def _patterns(name: str, argument: exp.Expr | None, where: str) -> tuple[str, ...]:
    items = argument.expressions if isinstance(argument, exp.Array) else [argument]
    patterns = [item.name for item in items if isinstance(item, exp.Literal) and item.is_string]
    if not patterns or len(patterns) != len(items):
        found = "no argument" if argument is None else argument.sql("duckdb")
        raise SqlAssetError(
            f"The files that {name} reads are not named.",
            expected="a path or pattern in quotes, or a list of such, so that what it reads is known before it runs",
            found=found,
            where=where,
        )
    return tuple(patterns)


def _closing(tokens: list[Token], opening: int) -> int:
    depth = 0
    for place_, token in enumerate(tokens[opening:], opening):
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        if depth == 0:
            return place_
    raise AssertionError("a parsed text closes its parentheses")


def _first_argument_end(tokens: list[Token], opening: int, closing: int) -> int:
    """Position of the comma after the first argument, or of the closing parenthesis."""
    depth = 0
    opens = (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE)
    closes = (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE)
    for token in tokens[opening + 1 : closing]:
        depth += (token.token_type in opens) - (token.token_type in closes)
        if depth == 0 and token.token_type == TokenType.COMMA:
            return token.start
    return tokens[closing].start


def _refused(what: str, where: str, expected: str) -> SqlAssetError:
    return SqlAssetError(
        f"{what} cannot be read by a SQL asset.",
        expected=expected,
        found=what,
        where=where,
        advice="read it in a Python asset, whose function opens it through its inputs",
    )
