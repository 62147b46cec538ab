"""Lost rows: lines of files that are no rows, or that were events and are none any more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from recsys_lineage.sql.names import quote


def lost_rows(
    table: str,
    made: str,
    relations: Collection[str],
    in_days: str,
    ask: Callable[[str], Sequence[tuple[Any, ...]]],
) -> Iterator[str]:
    """A warning for rows of the previous version whose lines are still in the files, but in no event.

    A file that is looked up, such as a list of customers' cards, may be delivered incomplete; days of years ago would
    then lose events.

    Args:
        table: the table with the previous version.
        made: a SELECT of the new rows.
        relations: the scans that give rows their file and line.
        in_days: SQL that is true for the previous rows of the days that are written.
        ask: returns the rows of a SELECT.
    """
    there = " UNION ALL ".join(f"SELECT _file, _line FROM {quote(name)}" for name in sorted(relations))
    if not there:
        return
    ((rows, days, place),) = ask(
        f"SELECT count(*), count(DISTINCT _day), arg_min(_file || ':' || _line, (_file, _line)) FROM {table} "
        f"WHERE {in_days} AND _fault IS NULL AND (_file, _line) IN ({there}) "
        f"AND (_file, _line) NOT IN (SELECT (_file, _line) FROM ({made}) WHERE _file IS NOT NULL)"
    )
    if rows:
        yield (
            f"{rows:,} rows of {days:,} days that were events are none any more, as {place}, because a file that the "
            "SQL joins or looks up has changed: deliver it again if it was incomplete"
        )


def smaller_days(
    table: str, made: str, in_days: str, ask: Callable[[str], Sequence[tuple[Any, ...]]]
) -> Iterator[str]:
    """A warning for days of which the files have fewer than half of the rows that they had.

    A file that is replaced under its name counts as it is now, also where its delivery broke off.

    Args:
        table: the table with the previous version.
        made: a SELECT of the new rows.
        in_days: SQL that is true for the previous rows of the days that are written; those of files `$gone` are kept.
        ask: returns the rows of a SELECT.
    """
    found = ask(
        f"SELECT CAST(_day AS VARCHAR), had, coalesce(has, 0) FROM (SELECT _day, count(*) AS had FROM {table} "
        f"WHERE {in_days} AND _event_id IS NULL AND _file NOT IN (SELECT unnest($gone)) GROUP BY _day) "
        f"LEFT JOIN (SELECT _day, count(*) AS has FROM ({made}) WHERE _event_id IS NULL GROUP BY _day) USING (_day) "
        "WHERE 2 * coalesce(has, 0) < had ORDER BY _day"
    )
    if found:
        day, had, has = found[0]
        more = f", and {len(found) - 1:,} more days have fewer than half, too" if len(found) > 1 else ""
        yield (
            f"the files have {has:,} rows of {day} and had {had:,}{more}: deliver them again if they are incomplete"
        )


def unsplit_lines(made: str, ask: Callable[[str], Sequence[tuple[Any, ...]]]) -> Iterator[str]:
    """A warning for lines that could not be split into columns: nobody knows of which day they are.

    The days of lines that have a field more than the header, as a file has that grew under another version of a shop's
    program, would otherwise be missing without a word.

    Args:
        made: a SELECT of the new rows.
        ask: returns the rows of a SELECT.
    """
    ((lines, files, place),) = ask(
        "SELECT count(*), count(DISTINCT _file), arg_min(_file || ':' || _line, (_file, _line)) "
        f"FROM ({made}) WHERE _fault IS NOT NULL"
    )
    if lines:
        yield (
            f"{lines:,} lines of {files:,} files cannot be split into columns, as {place}, and whatever they say is "
            "missing; why: recsys show rejected_rows --where \"reason = 'malformed row'\""
        )
