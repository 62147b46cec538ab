"""Reasons why rows of a raw table are rejected, most frequent first, with advice for known kinds of values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import polars as pl

from recsys_assets.assets.clean.reconciliation import CLEAN_OF
from recsys_assets.sql import load_named_query, parameters_of
from recsys_lineage.assets.checks import OUTPUT, TableCheck
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.sql.names import literal

_DATE = r"([0-9]{1,2})[./-]([0-9]{1,2})[./-][0-9]{2,4}"
_FIRST_IS_DAY = r"(1[3-9]|2[0-9]|3[01])[./-][0-9]{1,2}[./-][0-9]{2,4}"
_FIRST_IS_MONTH = r"[0-9]{1,2}[./-](1[3-9]|2[0-9]|3[01])[./-][0-9]{2,4}"
TIMES = (
    ("epoch seconds", r"[0-9]{9,10}(\.[0-9]+)?", "to_timestamp(TRY_CAST(… AS DOUBLE))"),
    ("epoch milliseconds", r"[0-9]{12,13}(\.[0-9]+)?", "to_timestamp(TRY_CAST(… AS BIGINT) / 1000)"),
    ("epoch microseconds", r"[0-9]{15,16}", "to_timestamp(TRY_CAST(… AS BIGINT) / 1000000)"),
    ("epoch nanoseconds", r"[0-9]{18,19}", "to_timestamp(TRY_CAST(… AS BIGINT) / 1000000000)"),
    ("numbers in scientific notation", r"[0-9.,]+[eE]\+?[0-9]+", "export the column as text"),
    ("days as YYYYMMDD", r"(19|20)[0-9]{6}", "try_strptime(…::VARCHAR, '%Y%m%d')"),
    ("times as YYYYMMDDHHMMSS", r"(19|20)[0-9]{12}", "try_strptime(…::VARCHAR, '%Y%m%d%H%M%S')"),
    (
        "days as a spreadsheet counts them",
        r"[2-6][0-9]{4}([.,][0-9]+)?",
        "TIMESTAMP '1899-12-30' + to_seconds(TRY_CAST(… AS DOUBLE) * 86400)",
    ),
    ("day-first dates", rf"{_FIRST_IS_DAY}.*", "try_strptime(…, '%d/%m/%Y %H:%M'), with the marks of the file"),
    ("month-first dates", rf"{_FIRST_IS_MONTH}.*", "try_strptime(…, '%m/%d/%Y %H:%M'), with the marks of the file"),
    (
        "dates with the day or the month first",
        rf"{_DATE}.*",
        "try_strptime(…, '%d/%m/%Y %H:%M') where the day is first, '%m/%d/%Y %H:%M' where the month is",
    ),
    (
        "dates with the name of a month",
        r"([A-Za-z]{3}, )?([0-9]{1,2}[. -]+[A-Za-z]{3,9}\.?|[A-Za-z]{3,9}\.? [0-9]{1,2},?)[ -]+[0-9]{2,4}.*",
        "try_strptime(…, '%d %B %Y %H:%M'), with %b for names of three letters; replace() names that are not English",
    ),
    ("days of a week", r"[0-9]{4}-?W[0-9]{2}.*", "try_strptime(…, '%G-W%V-%u')"),
    ("days of a year", r"[0-9]{4}-[0-9]{3}", "try_strptime(…, '%Y-%j')"),
    (
        "times in digits of another script",
        r"[^0-9]*\p{Nd}[^0-9]*",
        "translate(…, '０１２３４５６７８９', '0123456789'), with the digits of the file",  # noqa: RUF001
    ),
    ("dates of zeros", r"0000-00-00.*", "the shop's own mark for no date; leave such rows out, or take another column"),
)  # fmt: skip
"""Notations of times that the SQL may have failed to parse: name, pattern for the whole text, and an expression that
parses it."""
NUMBERS = (
    (
        "decimal commas and points between thousands",
        r"[+-]?[0-9]{1,3}(\.[0-9]{3})+,[0-9]+",
        "TRY_CAST(replace(replace(…, '.', ''), ',', '.') AS DOUBLE)",
    ),
    (
        "commas between thousands",
        r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?",
        "TRY_CAST(replace(…, ',', '') AS DOUBLE); where the comma is a decimal one, replace it by a point",
    ),
    ("decimal commas", r"[+-]?[0-9]+,[0-9]+", "TRY_CAST(replace(…, ',', '.') AS DOUBLE)"),
    (
        "a minus behind the number",
        r"[0-9.,]+-",
        "CASE WHEN ends_with(…, '-') THEN -TRY_CAST(rtrim(…, '-') AS DOUBLE) ELSE TRY_CAST(… AS DOUBLE) END",
    ),
    (
        "numbers below zero in brackets, or with another sign for minus",
        r"\([0-9.,]+\)|[\x{2212}\x{2013}\x{2010}][0-9.,]+",
        r"TRY_CAST(regexp_replace(…, '^[\x{2212}\x{2013}\x{2010}(]([0-9.,]+)\)?$', '-\1') AS DOUBLE)",
    ),
    (
        "blanks between thousands",
        r"[+-]?[0-9]{1,3}([\s\x{a0}\x{202f}'\x{2019}][0-9]{3})+([.,][0-9]+)?",
        r"TRY_CAST(regexp_replace(…, '[^0-9.-]', '', 'g') AS DOUBLE)",
    ),
    (
        "a currency or a unit next to the number",
        r"(\p{Sc}|[A-Za-z]+\.?)\s*[+-]?[0-9][0-9., ]*|[+-]?[0-9][0-9., ]*\s*(\p{Sc}|[A-Za-z%]+\.?)",
        r"TRY_CAST(regexp_replace(…, '[^0-9.-]', '', 'g') AS DOUBLE)",
    ),
    (
        "numbers in digits of another script",
        r"[^0-9]*\p{Nd}[^0-9]*",
        "TRY_CAST(translate(…, '０１２３４５６７８９', '0123456789') AS DOUBLE), with the digits of the file",  # noqa: RUF001
    ),
)  # fmt: skip
"""The same for numbers."""
_COLUMNS = {"event time": "event_time", "quantity": "quantity", "unit price": "unit_price", "amount": "amount",
            "discount": "discount"}  # fmt: skip
_SETTINGS = {
    "event time is missing": "undated = true in source.toml, where the files have no times",
    "event time is outside the data's range": "first_day and last_day of source.toml, or a file's own days",
    "quantity is out of range": "largest_quantity of source.toml",
    "unit price is out of range": "largest_price of source.toml",
    "amount is out of range": "largest_price and largest_quantity of source.toml",
    "discount is out of range": "largest_price and largest_quantity of source.toml",
    "not a product": "non_products of source.toml",
}
"""The setting behind each reason for rejection."""
_BELOW_ZERO = (
    "where such rows are returns, make quantity negative, or behaviour 'return', in raw_events.sql, and this {} "
    "positive"
)
_PIECES = "where equal lines of a file are pieces of their own, add _line AS line_id to raw_events.sql"
MOST_KINDS = 3
_MALFORMED = "malformed row"
_DESCRIBED_AGAIN = ("exact duplicate", "another ")
"""Beginnings of the reasons for which a repeated description of an item or a customer is rejected."""

QueryFunction = Callable[[str, Mapping[str, Any]], pl.DataFrame]


@dataclass(frozen=True)
class Rejection:
    """A reason for which rows of a table are rejected.

    Attributes:
        reason: in the words of `rejected_rows`.
        rows: their number.
        hint: the notation of their values and an expression that parses it, the setting that decides, or the most
            frequent fault of malformed rows; empty if nothing is known.
        where: places of up to three of them, as `file:line`.
        kinds: numbers of rows by known kind of value.
    """

    reason: str
    rows: int
    hint: str
    where: tuple[str, ...]
    kinds: Mapping[str, int] = field(default_factory=dict)

    def text(self, total: int) -> str:
        """The count, the reason and the hint, as text, for a table of `total` rows."""
        return f"{self.rows:,} of {total:,}: {self.reason}{f'; {self.hint}' if self.hint else ''}"


def rejections(raw: str, query: QueryFunction, values: Mapping[str, Any]) -> tuple[Rejection, ...]:
    """Reasons why rows of a raw table are rejected, most rows first; copies and returns included.

    Args:
        raw: the table.
        query: answers a SELECT over it, with its parameters.
        values: the parameters of the clean SQL.
    """
    checked = checked_rows(raw)
    # of promotions rejected_rows makes the words itself; here those of malformed rows alone are asked for
    detail = "_fault" if raw == "raw_promotions" else "detail"
    value = "NULL::VARCHAR"
    if raw == "raw_events":
        cases = " ".join(
            f"WHEN starts_with(reason, {literal(word)}) THEN raw.{column}::VARCHAR"
            for word, column in _COLUMNS.items()
        )
        value = f"CASE {cases} END"
    sql = f"""SELECT reason, {_kind("trim(value)")} AS kind, count(*) AS rows,
            list_sort(arg_min(_file || ':' || _line, (_file, _line), 3)) AS places,
            arg_min(detail, (-same, detail)) FILTER (reason = {literal(_MALFORMED)}) AS fault
        FROM (
            SELECT
                reason, {detail} AS detail, _file, _line, {value} AS value,
                count(*) OVER (PARTITION BY reason, {detail}) AS same
            FROM ({checked}) AS checked WHERE reason IS NOT NULL
        )
        GROUP BY ALL ORDER BY rows DESC, reason, kind"""
    kinds: dict[str, list[tuple[str | None, int, list[str]]]] = {}
    faults: dict[str, str] = {}
    for reason, kind, rows, places, fault in query(sql, parameters_of(sql, values)).iter_rows():
        kinds.setdefault(reason, []).append((kind, rows, places))
        if fault:
            faults[reason] = fault
    found = [
        Rejection(
            reason,
            sum(rows for _, rows, _ in of),
            faults.get(reason)
            or (_PIECES if (raw, reason) == ("raw_events", "exact duplicate") else "")
            or _hint(
                reason, {kind: rows for kind, rows, _ in of if kind is not None}, sum(n for _, n, _ in of)
            ),
            tuple(of[0][2]),
            {kind: rows for kind, rows, _ in of if kind is not None},
        )
        for reason, of in kinds.items()
    ]
    return tuple(sorted(found, key=lambda each: (-each.rows, each.reason)))


def most_rows_are_accepted(raw: str, values: Mapping[str, Any]) -> TableCheck:
    """Warning if more than half of the rows of a raw table are rejected, with the most frequent reasons.

    Repeated descriptions of an item or a customer are not counted, because a shop may export all of them each day.
    """
    return TableCheck(
        "most_rows_are_accepted",
        f"at least half of the rows of {raw} can be read",
        function=partial(_most_rows_are_accepted, raw, dict(values)),
        statements=(checked_rows(raw),),
    )


def _most_rows_are_accepted(raw: str, values: Mapping[str, Any], inputs: Inputs) -> CheckOutcome:
    name = "most_rows_are_accepted"
    accepted, total = inputs.query(
        f"SELECT (SELECT count(*) FROM {OUTPUT}) AS here, (SELECT count(*) FROM {raw}) AS read"
    ).row(0)
    reasons = list(rejections(raw, inputs.query, values)) if 2 * accepted < total else []
    if raw != "raw_events":
        reasons = [each for each in reasons if not each.reason.startswith(_DESCRIBED_AGAIN)]
    refused = total - accepted if raw == "raw_events" else sum(each.rows for each in reasons)
    if 2 * refused <= total:
        found = f"{accepted:,} of {total:,} rows of {raw} are accepted"
        return CheckOutcome(name, True, found, counts={"rows": accepted, "read": total})
    reasons_text = "; ".join(each.text(total) for each in reasons[:3])
    counts = {"rows": refused, "read": total, **rows_by_reason(reasons)}
    return CheckOutcome(name, False, reasons_text, counts=counts, where=reasons[0].where)


def rows_by_reason(reasons: Sequence[Rejection]) -> dict[str, int]:
    """Number of rows by reason, and by known kind of value."""
    return {each.reason: each.rows for each in reasons} | {
        f"{each.reason}: {kind}": rows for each in reasons for kind, rows in each.kinds.items()
    }


def checked_rows(raw: str) -> str:
    """The SELECT of the rows of a raw table, each with the reason for its rejection."""
    return load_named_query("clean", f"checked_{CLEAN_OF[raw]}")


def _kind(value: str) -> str:
    whens = [
        f"WHEN starts_with(reason, {literal('event time')}) AND regexp_full_match({value}, {literal(pattern)}) "
        f"THEN {literal(kind)}"
        for kind, pattern, _ in TIMES
    ]
    whens += [
        f"WHEN ends_with(reason, 'is not a number') AND regexp_full_match({value}, {literal(pattern)}) "
        f"THEN {literal(kind)}"
        for kind, pattern, _ in NUMBERS
    ]
    return f"CASE {' '.join(whens)} END"


def _hint(reason: str, kinds: Mapping[str, int], total: int) -> str:
    """Advice for a reason: the settings behind it, or an expression for each known kind of value; most rows first."""
    if reason.endswith(" is below zero"):
        return _BELOW_ZERO.format(reason.removesuffix(" is below zero"))
    if reason in _SETTINGS:
        return f"what decides is {_SETTINGS[reason]}"
    advice = {kind: text for kind, _, text in (*TIMES, *NUMBERS)}
    return "; ".join(
        f"{kind}{f' in {rows:,} of them' if rows < total else ''}? {advice[kind]}"
        for kind, rows in [*kinds.items()][:MOST_KINDS]
    )
