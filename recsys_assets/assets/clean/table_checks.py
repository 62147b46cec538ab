"""Checks of the clean, features and model tables that depend on the source's settings or report more than a count."""

from __future__ import annotations

from functools import partial

from recsys_assets.shop.alike_ids import alike_sql
from recsys_assets.shop.shop_rules import BEHAVIOURS, SCIENTIFIC
from recsys_lineage.assets.checks import OUTPUT, TableCheck
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import did_you_mean
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.sql.names import literal

SUBSETS = ("train", "valid", "test")


def no_scientific_ids(*columns: str) -> TableCheck:
    """Warning for ids that lost their last digits in a spreadsheet."""
    broken = " OR ".join(f"regexp_full_match({column}, '{SCIENTIFIC}')" for column in columns)
    return TableCheck(
        "no_id_in_scientific_notation",
        "no id is a number like 4.00638E+12, whose last digits a spreadsheet dropped: several ids may have become one",
        f"SELECT * FROM {OUTPUT} WHERE {broken}",
    )


def no_alike_ids(column: str) -> TableCheck:
    """Warning for ids that are probably one, written in several ways."""
    return TableCheck(
        "ids_are_written_in_one_way",
        "no two ids differ only in case, in zeros before them or in letters that look alike; else each is a customer "
        "or a product of its own: lower(…) or ltrim(…, '0') in the source's SQL makes them one",
        f"""SELECT min({column}) AS {column}, count(*) AS ways FROM {OUTPUT}
        GROUP BY {alike_sql(column)} HAVING count(*) > 1""",
    )


NO_CROWD = TableCheck(
    "no_customer_is_a_crowd",
    "no customer has one in twenty of all events and fifty times as many as others; guests may share that id: "
    "no_value of source.toml turns it into none",
    f"""WITH by_user AS (SELECT user_id, count(*) AS events FROM {OUTPUT} GROUP BY user_id),
    usual AS (SELECT median(events) AS each, sum(events) AS whole, count(*) AS users FROM by_user)
    SELECT user_id FROM by_user, usual WHERE users >= 100 AND 20 * events > whole AND events > 50 * each""",
)
REFUSED_FILES = f"""WITH refused AS (
        SELECT _file, min(_line) AS _line, count(*) AS refused, mode(reason) AS reason, count(*) FILTER (
            reason NOT IN ('exact duplicate', 'event that the files have too', 'return of a purchase',
                'return without a purchase', 'not a product')
        ) AS wrong
        FROM {OUTPUT} WHERE table_name = 'raw_events' GROUP BY _file
    ), given AS (SELECT _file, count(*) AS rows FROM raw_events GROUP BY _file)
    SELECT _file, _line, reason, rows FROM refused INNER JOIN given USING (_file)
    WHERE refused = rows AND wrong > 0 ORDER BY _file DESC"""
"""Query for the files without an accepted event: the first line, the most frequent reason and the rows of each."""


def _every_file_counts(inputs: Inputs) -> CheckOutcome:
    name = "every_file_has_an_accepted_row"
    found = inputs.query(REFUSED_FILES).rows()
    if not found:
        return CheckOutcome(name, True, "every file has accepted events")
    file, line, reason, rows = found[0]
    inputs.vouch_for({file for file, *_ in found})
    words = (
        f"{len(found)} files have no accepted event, as {file}, all {rows} rows from line {line} on: {reason}; recsys "
        "check shows such rows and how they may be read"
    )
    counts = {"files": len(found), "rows": rows, "line": line}
    return CheckOutcome(
        name, False, words, counts=counts, where=tuple(f"{each[0]}:{each[1]}" for each in found[:100])
    )


EVERY_FILE_COUNTS = TableCheck(
    "every_file_has_an_accepted_row",
    "every file has accepted events, unless all are returns, no products, or also in other files",
    function=_every_file_counts,
)
LINES_COUNT_ONCE = TableCheck(
    "no_line_counts_twice",
    "no line of a file becomes several events of the same product; a join that matches several rows counts it "
    "several times: "
    "take one row of each, as by arg_max() and GROUP BY",
    f"""SELECT _file, _line FROM {OUTPUT} WHERE _line IS NOT NULL
    GROUP BY _file, _line, item_id, behaviour HAVING count(*) > 1""",
)
ITEMS_JOIN = TableCheck(
    "items_of_events_are_described",
    "where the source describes items, every item of an event is described; else their ids may be written in two ways",
    f"""SELECT item_id FROM {OUTPUT} WHERE NOT described AND events > 0
    AND (SELECT bool_or(described) FROM {OUTPUT})""",
)
USERS_JOIN = TableCheck(
    "described_users_have_events",
    "at least one in twenty of the users that the source describes has events; else ids may be written in two ways",
    f"""SELECT user_id FROM {OUTPUT} WHERE described AND events = 0 AND (
        SELECT count(*) FILTER (WHERE described AND events > 0) * 20 < count(*) FILTER (WHERE described) FROM {OUTPUT}
    )""",
)


def no_skipped_hour(time_zone: str) -> TableCheck:
    """Warning for times that do not exist on the shop's clock, because it skips an hour in spring."""
    zone = literal(time_zone)
    return TableCheck(
        "no_time_in_a_skipped_hour",
        f"no event has a time that clocks in {time_zone} skip in spring; those times are taken as they stand",
        f"SELECT * FROM {OUTPUT} WHERE timezone({zone}, timezone({zone}, event_time)) <> event_time",
    )


def behaviours_are_known(named: tuple[str, ...]) -> TableCheck:
    """Warning for unknown behaviours, with their counts and the names that may have been meant.

    Args:
        named: behaviours that the source's settings name.
    """
    return TableCheck(
        "behaviours_are_known",
        "every behaviour is a known one, or one that source.toml names",
        function=partial(_behaviours_are_known, (*BEHAVIOURS, *named, "interaction")),
    )


def _behaviours_are_known(known: tuple[str, ...], inputs: Inputs) -> CheckOutcome:
    counts = _counts(
        inputs, f"SELECT behaviour, count(*) FROM {OUTPUT} GROUP BY behaviour ORDER BY behaviour"
    )
    unknown = {name: count for name, count in counts.items() if name not in known}
    if unknown:
        inputs.shared_values(OUTPUT, "behaviour", "user_id")
    if not unknown:
        return CheckOutcome(
            "behaviours_are_known", True, f"known behaviours: {_listed(counts)}", counts=counts
        )
    meant = " ".join(filter(None, (did_you_mean(name, known) for name in unknown)))
    found = f"unknown behaviours: {_listed(unknown)}; of all {_listed(counts)}. {meant}".strip()
    return CheckOutcome("behaviours_are_known", False, found, counts=counts)


def target_occurs(target: str | None) -> TableCheck:
    """Blocking check: the target behaviour of the source's settings occurs."""
    return TableCheck(
        "target_behaviour_occurs",
        "the target behaviour occurs",
        function=partial(_target_occurs, target),
        blocking=True,
    )


_CLOCK = "[0-9]:[0-9]{2}"
_OFFSET, _ZONE = f"{_CLOCK}[0-9.:]* ?[+-](0?[1-9]|1[0-4]|00:?[1-9])", f"{_CLOCK}.*[A-Za-z+-]"
ONE_CLOCK = TableCheck(
    "times_are_by_one_clock",
    "where some times have an offset from UTC, all have one; else those without are taken for UTC: time_zone in "
    "source.toml names the shop's clock",
    f"""WITH times AS (
        SELECT _file, _line, CASE WHEN typeof(event_time) = 'VARCHAR' THEN event_time::VARCHAR END AS event_time
        FROM raw_events
    ), marked AS (
        SELECT
            _file, _line, regexp_matches(event_time, '{_OFFSET}') AS is_zoned,
            regexp_matches(event_time, '{_CLOCK}') AND NOT regexp_matches(event_time, '{_ZONE}') AS is_bare
        FROM times WHERE event_time IS NOT NULL
    )
    SELECT _file, _line FROM marked WHERE is_bare AND (SELECT bool_or(is_zoned) FROM marked)""",
)
"""Warning for a shop without a `time_zone`, whose own clock is probably not that of UTC."""


def _target_occurs(target: str | None, inputs: Inputs) -> CheckOutcome:
    name = "target_behaviour_occurs"
    counts = _counts(
        inputs, f"SELECT behaviour, sum(count)::BIGINT FROM {OUTPUT} GROUP BY behaviour ORDER BY behaviour"
    )
    inputs.shared_values(OUTPUT, "behaviour", "user_id")
    chosen = inputs.query(f"SELECT DISTINCT behaviour FROM {OUTPUT} WHERE is_target")["behaviour"].to_list()
    if target is None or target in counts:
        return CheckOutcome(
            name, True, f"the target is {', '.join(chosen)}; of all {_listed(counts)}", counts=counts
        )
    meant = did_you_mean(target, counts)
    found = f"target_behaviour of source.toml is {target!r}, and there are only {_listed(counts)}. {meant}"
    return CheckOutcome(name, False, found.strip(), counts=counts)


def every_subset_has_rows(inputs: Inputs) -> CheckOutcome:
    """Whether train, valid and test each have interactions."""
    counts = _subset_counts(inputs)
    found = f"interactions: {_listed(counts)}"
    if empty := [name for name, count in counts.items() if not count]:
        found += f"; nothing for {' and '.join(empty)}: events of three moments or more can be divided"
    return CheckOutcome("every_subset_has_rows", all(counts.values()), found, counts=counts)


def divided_by_weeks(weeks: int) -> TableCheck:
    """Warning if the held-out weeks would leave a subset empty, so that days with events are divided instead."""
    return TableCheck(
        "divided_by_weeks",
        f"the last {weeks} weeks evaluate the models and the {weeks} before choose among them",
        function=partial(_divided_by_weeks, weeks),
    )


def _divided_by_weeks(weeks: int, inputs: Inputs) -> CheckOutcome:
    name = "divided_by_weeks"
    row = inputs.query(
        """SELECT
            count(*) AS events,
            count(*) FILTER (WHERE event_time <= newest - to_days($weeks * 14)) AS train,
            count(*) FILTER (WHERE event_time > newest - to_days($weeks * 14)
                AND event_time <= newest - to_days($weeks * 7)) AS valid
        FROM events CROSS JOIN (SELECT max(event_time) AS newest FROM events) WHERE subset IS NULL""",
        {"weeks": weeks},
    ).row(0, named=True)
    counts = _subset_counts(inputs)
    shown = _listed(counts)
    if not row["events"]:
        return CheckOutcome(name, True, f"the source divides its events itself: {shown}", counts=counts)
    if row["train"] and row["valid"]:
        return CheckOutcome(name, True, f"divided by weeks: {shown}", counts=counts)
    found = (
        f"{weeks} weeks leave {row['train']:,} events to train on and {row['valid']:,} to choose by, so the events are "
        f"divided by days: {shown} interactions"
    )
    moments = {"events to train on": row["train"], "events to choose by": row["valid"]}
    return CheckOutcome(name, False, found, counts={**counts, **moments})


def _subset_counts(inputs: Inputs) -> dict[str, int]:
    found = _counts(inputs, f"SELECT subset, count(*) FROM {OUTPUT} GROUP BY subset")
    return {name: found.get(name, 0) for name in SUBSETS}


def _counts(inputs: Inputs, sql: str) -> dict[str, int]:
    return dict(inputs.query(sql).iter_rows())


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
