"""The SQL and the settings of a proposed source."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from recsys_assets.proposal.column_roles import Roles
from recsys_assets.proposal.column_sql import value_sql
from recsys_assets.proposal.joined_files import JoinedFiles, Side
from recsys_assets.proposal.names.behaviours import named_behaviour
from recsys_assets.proposal.names.known_names import IDS
from recsys_assets.proposal.orders.ended_orders import EndedOrders
from recsys_assets.proposal.sample.sampled_column import SampledColumn
from recsys_assets.shop.raw_columns import RAW_COLUMNS
from recsys_assets.shop.source import EARLIEST_DAY
from recsys_lineage.sql.names import literal, quote


def table_sql(parts: Sequence[Roles], *, divided: bool = False) -> str:
    """The SELECT of a raw table: one for each group of files, combined by UNION ALL.

    Args:
        parts: the files that fill the table.
        divided: whether a tenth of the events is for the test and another tenth for validation, because there are no
            times.
    """
    table = parts[0].table
    filled = [name for name in RAW_COLUMNS[table] if any(_has(part, name) for part in parts)]
    if not any("behaviour" in part.columns or _is_credited(part) for part in parts) and {
        *map(_named, parts)
    } <= {
        "purchase",
        "",
    }:
        filled = [name for name in filled if name != "behaviour"]  # as without a word
    filled += ["subset"] if divided else []
    described = [_is_described(part) for part in parts]
    timed = any(each and part.happened is not None for each, part in zip(described, parts, strict=True))
    patterns = [part.files.pattern for part in parts]
    comment = f"-- {_WHAT[table]} of {', '.join(patterns)}."
    if len({*described}) > 1:
        comment += "\n-- A table of its own is believed before lines of events: as known first, and as said most often."
    return (
        f"{comment}\n"
        + "\nUNION ALL\n".join(
            _select(
                part, filled, described=each, counted=any(described), timed=timed, apart=_are_apart(parts)
            )
            for part, each in zip(parts, described, strict=True)
        )
        + "\n"
    )


def joined_sql(joined: JoinedFiles, *, divided: bool = False) -> str:
    """The SELECT of raw_events over lines and the heads that they belong to.

    A line without a head is kept, so that it is rejected for its missing customer and not lost.
    """
    part_of = dict(zip(joined.sides, joined.parts, strict=True))
    credited: Side | None = next((side for side, part in part_of.items() if _is_credited(part)), None)
    values = []
    for name in RAW_COLUMNS["raw_events"]:
        value = "NULL"
        if (placed := joined.columns.get(name)) is not None:
            side, column = placed
            value = _somebody(part_of[side], name, value_sql(name, column, partial(_of_side, side)))
        if name == "behaviour" and credited is not None:
            value = _returned(part_of[credited], value, partial(_of_side, credited))
        if value != "NULL":
            values.append(f"{value} AS {name}")
    if divided:
        by = [
            value_sql(name, column, partial(_of_side, side)) for name, (side, column) in _by(joined.columns)
        ]
        values.append(f"{_subset(by)} AS subset")
    line, head = joined.on
    names = {
        side: {*_used(c for of, c in joined.columns.values() if of == side), *part.ended, *part.returns}
        for side, part in part_of.items()
    }
    lines = joined.lines.relation(names["line"] | {line})
    heads = joined.heads.relation(names["head"] | {head, *filter(None, [joined.key])})
    keys = [_key(joined, f"{side}.{quote(name)}") for side, name in (("head", head), ("line", line))]
    scans = f"FROM {lines} AS line\nLEFT JOIN {heads} AS head\n    ON {' = '.join(keys)}"
    whose = joined.heads.pattern
    if joined.people is not None:
        key, whose = quote(joined.key), f"{whose} and {joined.people.pattern}"
        people = joined.people.relation(names["person"] | {joined.key})
        scans += f"\nLEFT JOIN {people} AS person\n    ON person.{key} = head.{key}"
    comment = f"-- Every line of {joined.lines.pattern}, with its customer of {whose}."
    body = ",\n    ".join([*values, "line._file", "line._line"])
    conditions = [
        ended.others(_of_side(side, name))
        for side, part in part_of.items()
        for name, ended in part.ended.items()
    ]
    return f"{comment}\nSELECT\n    {body}\n{scans}\n" + "".join(
        f"{word} {each}\n"
        for word, each in zip(("WHERE", *["    AND"] * len(conditions)), conditions, strict=False)
    )


def _key(joined: JoinedFiles, at: str) -> str:
    """SQL for one side of the join: an id that is written in the same way as that of the other side."""
    line, head = joined.key_columns
    if line.spelling != head.spelling:
        return f"ltrim(regexp_replace(trim({at}::VARCHAR), '\\.0+$', ''), '0')"
    return at if line.is_text == head.is_text else f"{at}::VARCHAR"


def _used(columns: Iterable[SampledColumn]) -> set[str]:
    return {name for column in columns for name in column.names}


def _of_side(side: str, name: str) -> str:
    return f"{side}.{quote(name)}"


def settings_text(
    title: str,
    *,
    undated: bool,
    default_behaviour: str,
    first_year: int,
    ids_have_points: bool,
    non_products: Sequence[str],
    limits: Mapping[str, float],
) -> str:
    """`source.toml`."""
    lines = [f"title = {_toml(title)}", f"default_behaviour = {_toml(default_behaviour)}"]
    if ids_have_points:
        lines += [
            "# ids such as 1204.204 have a point of their own: 1204.0 stays as it is",
            "whole_number_ids = false",
        ]
    if non_products:
        lines += [
            "# not sold as products, by what they are called: their rows are rejected",
            f"non_products = [{', '.join(_toml(re.escape(item)) for item in non_products)}]",
        ]
    for name, limit in limits.items():
        if limit:
            lines += [
                f"# a larger {name.removeprefix('largest_')} counts as an error; the usual limit is too low here",
                f"{name} = {limit:.0f}",
            ]
    if first_year < EARLIEST_DAY.year:
        lines += [f"first_day = {first_year:04d}-01-01"]
    if undated:
        lines += [
            "# no column holds the time of an event: it gets the day that the name or the folders of its file tell,",
            "# else the one on which the file was last changed",
        ]
        lines += ["undated = true"]
    return "\n".join(lines) + "\n"


_WHAT = {
    "raw_events": "Every event",
    "raw_items": "Every product",
    "raw_users": "Every customer",
    "raw_promotions": "Every promotion",
}


def _has(part: Roles, name: str) -> bool:
    return name in part.columns or (
        name == "behaviour" and part.table == "raw_events" and (bool(_named(part)) or _is_credited(part))
    )


def _is_credited(part: Roles) -> bool:
    """Whether some lines certainly take back what others sold."""
    is_certain = part.credit is not None and part.credit.is_certain
    return part.table == "raw_events" and (is_certain or bool(part.returns))


def _named(part: Roles) -> str:
    """The behaviour in the files' name; empty if there is none, or if a column has it."""
    return "" if "behaviour" in part.columns else named_behaviour(part.files.pattern)


def _is_described(part: Roles) -> bool:
    """Whether a product or a customer is described by lines of something else, so that descriptions repeat."""
    return part.table in ("raw_items", "raw_users") and _names_others_too(part)


def _are_apart(parts: Sequence[Roles]) -> bool:
    """Whether the times of several files are of different kinds.

    Times of one kind must not become those of another: with a zone in one file and without in the next, they would be
    taken for those of UTC.
    """
    columns = [part.columns.get("event_time", part.happened) for part in parts]
    return len({(c.is_text, c.kind, c.formats, c.note) for c in columns if c is not None}) > 1


def _select(
    part: Roles, filled: Sequence[str], *, described: bool, counted: bool, timed: bool, apart: bool
) -> str:
    """The SELECT of some files.

    Args:
        part: their role for the table.
        filled: columns of the table that any of its parts fills.
        described: whether they hold events, so that each description counts once.
        counted: whether this part or another one of the table does.
        timed: whether one of these has the time since when a description is known, so that no model uses it earlier.
        apart: whether times must become text, because those of other parts are of another kind.
    """
    expressions = [(_expression(part, name), name) for name in filled]
    if apart and "event_time" in part.columns and not part.columns["event_time"].is_text:
        expressions = [(f"({text})::VARCHAR" if n == "event_time" else text, n) for text, n in expressions]
    lines = [text if text == name else f"{text} AS {name}" for text, name in expressions]
    if described:
        # the files hold events: one row for each different description, with the line that gives it first
        lines += [
            "count(*) AS occurrences",
            *([f"{_first_moment(part)}{'::VARCHAR' if apart else ''} AS known_from"] if timed else []),
            "arg_min(_file, (_file, _line)) AS _file",
            "arg_min(_line, (_file, _line)) AS _line",
        ]
    else:
        lines += [f"{_BELIEVED_FIRST} AS occurrences"] if counted else []
        lines += [f"TIMESTAMP '{_BEFORE_ALL}' AS known_from"] if timed else []
        lines += ["_file", "_line"]
    more = [column for column in (part.happened, part.customer) if described and column is not None]
    left_out = _left_out(part) if part.table == "raw_events" else ""
    names = _used([*part.columns.values(), *more]) | ({*part.ended} if left_out else {*()})
    if part.table == "raw_events":  # a person may take the visitor for the customer, as a note says
        names |= {*part.returns, *([part.visitor.name] if part.visitor is not None else [])}
    text = "SELECT\n    " + ",\n    ".join(lines) + f"\nFROM {part.files.relation(names)}"
    if described:
        texts = [text for text, name in expressions if name in part.columns and name not in IDS]
        text += "\nWHERE " + " OR ".join(f"{each} IS NOT NULL" for each in texts)
        text += "\nGROUP BY " + ", ".join(text for text, name in expressions if name in part.columns)
    return text + left_out


def _left_out(part: Roles) -> str:
    """A clause that leaves out the lines of orders that came to nothing; empty if the files name none.

    Where values of an order's first line are those of all its lines, the clause looks at the lines after that.
    """
    order = part.columns.get("order_id")
    conditions = []
    for name, ended in part.ended.items():
        at = _of_the_order(part, name) if name in part.files.filled_down else quote(name)
        if order is not None and order.name in _keys_of(part, ended):
            at = f"max({at}) OVER (PARTITION BY _file, {quote(order.name)})"
        conditions.append(ended.others(at))
    filled = any(part.filling_order(part.columns[name].name) for name in _OF_AN_ORDER if name in part.columns)
    filled = filled or bool(part.files.filled_down)
    word = "QUALIFY" if filled or any(" OVER " in each for each in conditions) else "WHERE"
    return f"\n{word} " + "\n    AND ".join(conditions) if conditions else ""


def _keys_of(part: Roles, ended: EndedOrders) -> Collection[str]:
    """Columns that may identify an order whose first line alone has a value; if none has any yet, those of others."""
    filled = part.files.first_lines.values() if not ended.rows and ended.by_any_value else ()
    return {*ended.keys, *(key for keys in filled for key in keys)}


_BELIEVED_FIRST = 1_000_000_000
_BEFORE_ALL = "1970-01-01"


def _first_moment(part: Roles) -> str:
    """Time of the first line with a description; lines without a customer are no events, and their text may be a
    note."""
    if part.happened is None:
        return "NULL"
    condition = ""
    if part.customer is not None and part.table == "raw_items":
        condition = f" FILTER (WHERE {quote(part.customer.name)} IS NOT NULL)"
    return f"min({value_sql('event_time', part.happened, quote)}){condition}"


def _names_others_too(part: Roles) -> bool:
    """Whether the same files hold events, so that a product or a customer occurs in many lines."""
    names = {column.name for column in part.columns.values()}
    key = part.columns["item_id" if part.table == "raw_items" else "user_id"]
    return key.distinct < 0.9 * part.files.rows and len(part.files.columns) > len(names)


_T = TypeVar("_T")


def _by(columns: Mapping[str, _T]) -> list[tuple[str, _T]]:
    """Columns by which events without times are split: whole orders, or else customer and product."""
    names = ("order_id",) if "order_id" in columns else ("user_id", "item_id")
    return [(name, columns[name]) for name in names]


def _subset(by: Sequence[str]) -> str:
    return (
        f"CASE md5_number_lower(concat_ws('/', {', '.join(by)})) % 10 WHEN 0 THEN 'test' WHEN 1 THEN 'valid' "
        "ELSE 'train' END"
    )


def _expression(part: Roles, name: str) -> str:
    if name == "subset":
        return _subset([value_sql(by, column, quote) for by, column in _by(part.columns)])
    column = part.columns.get(name)
    if column is None:
        word = _named(part) if name == "behaviour" else ""
        value = literal(word) if word else "NULL"
    else:
        of_order = part.table == "raw_events" and (
            name in _OF_AN_ORDER or column.name in part.files.filled_down
        )
        value = value_sql(name, column, partial(_of_the_order, part) if of_order else quote)
    if name == "behaviour":
        return _returned(part, value, quote)
    return _somebody(part, name, value) if column is not None else value


def _returned(part: Roles, behaviour: str, sql_of: Callable[[str], str]) -> str:
    """The behaviour of a line: a return where its type or its order's id says that it takes back what another sold."""
    if not _is_credited(part):
        return behaviour
    conditions = [each.condition(sql_of(name)) for name, each in part.returns.items()]
    if part.credit is not None and part.credit.is_certain:
        conditions.append(part.credit.condition(sql_of(part.columns["order_id"].name)))
    takes_back = " OR ".join(conditions)
    others = "" if behaviour == "NULL" else f" ELSE {behaviour}"
    return f"CASE WHEN {takes_back} THEN 'return'{others} END"


def _somebody(part: Roles, name: str, value: str) -> str:
    """A value; if it is a customer's id, without the one that stands for nobody, and mail addresses in lower case."""
    if name != "user_id":
        return value
    text = f"nullif({value}, {literal(part.nobody)})" if part.nobody else value
    return f"lower({text})" if part.columns[name].are_mails else text


_OF_AN_ORDER = ("event_time", "user_id", "store_id", "behaviour")
"""Columns that are the same in all lines of an order."""


def _of_the_order(part: Roles, name: str) -> str:
    """A column; if only the first line of an order fills it, with that line's value for all lines."""
    if name in part.files.filled_down:
        return f"last_value({quote(name)} IGNORE NULLS) OVER (PARTITION BY _file ORDER BY _line)"
    order = part.filling_order(name)
    return quote(name) if order is None else f"max({quote(name)}) OVER (PARTITION BY _file, {quote(order)})"


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
