"""Loading of this package's SQL files, with their named queries inlined."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlglot import exp

from recsys_lineage.sql.sql_text import SqlText
from recsys_lineage.sql.statement import comment_and_statement

FOLDER = Path(__file__).parent
MACROS = FOLDER / "macros"
"""Names of expressions over one `value`, each in a file of its name, that SQL calls like functions."""


def table_names(group: str) -> tuple[str, ...]:
    """The tables of a group, such as `clean`.

    Raises:
        FileNotFoundError: there is no such group.
    """
    names = tuple(
        sorted(path.stem for path in (FOLDER / group).glob("*.sql") if not path.stem.startswith("_"))
    )
    if not names:
        groups = sorted(path.name for path in FOLDER.iterdir() if any(path.glob("*.sql")))
        raise FileNotFoundError(f"expected a group of SQL files among {groups}; found {group!r}")
    return names


def load_sql(group: str, name: str) -> str:
    """The full SELECT of a table: its leading comment, the named queries that it reads, and its own text.

    Raises:
        FileNotFoundError: there is no such table.
    """
    if name not in table_names(group):
        raise FileNotFoundError(f"expected a table of {group!r} among {table_names(group)}; found {name!r}")
    return _with_named_queries(group, *_parts(_text(group, name)))


def load_text(path: Path) -> str:
    """The leading comment and the SELECT of a file that reads no named queries, with its macros expanded."""
    return "".join(_parts(with_macros(path.read_text(encoding="utf-8"))))


def load_named_query(group: str, name: str) -> str:
    """The full SELECT of a query that several tables of a group use, such as `checked_events`.

    Raises:
        FileNotFoundError: there is no such query.
    """
    return _with_named_queries(group, *_parts(_text(group, f"_{name}")))


@functools.cache
def _with_named_queries(group: str, comment: str, body: str) -> str:
    """A SELECT with the named queries that it reads in front."""
    named: dict[str, str] = {}
    _collect(group, body, named)
    if not named:
        return f"{comment}{body}"
    queries = ",\n".join(f"{query} AS NOT MATERIALIZED (\n{text}\n)" for query, text in named.items())
    rest = f",\n{body[4:].lstrip()}" if body[:4].casefold() == "with" else f"\n{body}"
    return f"{comment}WITH {queries}{rest}"


def with_macros(sql: str) -> str:
    """The SQL with each call of a macro, such as `clean_id(item_id)`, replaced by the macro's expression.

    A macro's argument is a column.
    """
    while True:
        expanded = _CALL.sub(_expanded, sql)
        if expanded == sql:
            return sql
        sql = expanded


def parameters_of(sql: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of `values` that the SQL names as `$parameter`.

    Raises:
        KeyError: the SQL names a parameter that has no value.
    """
    names = _named_parameters(sql)
    if missing := sorted(names - values.keys()):
        raise KeyError(f"expected values for the SQL's parameters; found none for {', '.join(missing)}")
    return {name: values[name] for name in sorted(names)}


@functools.lru_cache(maxsize=256)
def _named_parameters(sql: str) -> frozenset[str]:
    return frozenset(SqlText(sql).parameters)


_CALL = re.compile(rf"\b({'|'.join(sorted(path.stem for path in MACROS.glob('*.sql')))})\(([\w.]+)\)")
_ARGUMENT = re.compile(r"(?<!\$)\bvalue\b")


def _expanded(call: re.Match[str]) -> str:
    return f"({_ARGUMENT.sub(call[2], _macro(call[1]))})"


@functools.cache
def _macro(name: str) -> str:
    return _parts((MACROS / f"{name}.sql").read_text(encoding="utf-8"))[1]


def _text(group: str, stem: str) -> str:
    return with_macros((FOLDER / group / f"{stem}.sql").read_text(encoding="utf-8"))


def _collect(group: str, body: str, named: dict[str, str]) -> None:
    """Add the named queries that `body` reads, each after those that it reads itself."""
    for table in SqlText(body).expression.find_all(exp.Table):
        path = FOLDER / group / f"_{table.name}.sql"
        if table.name and table.name not in named and path.exists():
            text = _parts(_text(group, path.stem))[1]
            _collect(group, text, named)
            named[table.name] = text


def _parts(text: str) -> tuple[str, str]:
    """The leading comment, with its line ends, and the SELECT after it."""
    comment, statement = comment_and_statement(text.strip())
    return comment, statement.strip().rstrip(";")
