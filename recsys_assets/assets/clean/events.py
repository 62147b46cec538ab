"""`events`: what customers did, one row for each accepted event of the source and of the service."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from recsys_assets.assets.clean.ids_in_one_way import WORDS, alike_in_events, in_words
from recsys_assets.assets.clean.rejections import (
    checked_rows,
    most_rows_are_accepted,
    rejections,
    rows_by_reason,
)
from recsys_assets.assets.clean.repeated_files import repeated_files
from recsys_assets.assets.counted_values import counts_by_value, counts_in_words
from recsys_assets.assets.id_checks import no_scientific_ids
from recsys_assets.assets.raw.file_contributions import EVENTS
from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_assets.assets.sql_table import SqlTable
from recsys_assets.shop.shop_rules import BEHAVIOURS
from recsys_assets.shop.source import Source
from recsys_lineage.assets.checks import OUTPUT, TableCheck, not_null
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import did_you_mean
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.sql.names import literal

NO_CROWD = TableCheck(
    "no_customer_is_a_crowd",
    "no customer has one in twenty of all events and fifty times as many as others; guests may share that id: "
    "no_value of source.toml turns it into none",
    f"""WITH by_user AS (SELECT user_id, count(*) AS events FROM {OUTPUT} GROUP BY user_id),
    usual AS (SELECT median(events) AS each, sum(events) AS whole, count(*) AS users FROM by_user)
    SELECT user_id FROM by_user, usual WHERE users >= 100 AND 20 * events > whole AND events > 50 * each""",
)
LINES_COUNT_ONCE = TableCheck(
    "no_line_counts_twice",
    "no line of a file becomes several events of the same product; a join that matches several rows counts it "
    "several times: "
    "take one row of each, as by arg_max() and GROUP BY",
    f"""SELECT _file, _line FROM {OUTPUT} WHERE _line IS NOT NULL
    GROUP BY _file, _line, item_id, behaviour HAVING count(*) > 1""",
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
    counts = counts_by_value(
        inputs, f"SELECT behaviour, count(*) FROM {OUTPUT} GROUP BY behaviour ORDER BY behaviour"
    )
    unknown = {name: count for name, count in counts.items() if name not in known}
    if unknown:
        inputs.shared_values(OUTPUT, "behaviour", "user_id")
    if not unknown:
        return CheckOutcome(
            "behaviours_are_known", True, f"known behaviours: {counts_in_words(counts)}", counts=counts
        )
    meant = " ".join(filter(None, (did_you_mean(name, known) for name in unknown)))
    found = (
        f"unknown behaviours: {counts_in_words(unknown)}; of all {counts_in_words(counts)}. {meant}".strip()
    )
    return CheckOutcome("behaviours_are_known", False, found, counts=counts)


def some_row_is_accepted(values: Mapping[str, Any]) -> TableCheck:
    """Blocking check: the raw events have rows, and not all are rejected; if it fails, it gives the most frequent
    reasons."""
    return TableCheck(
        "some_row_is_accepted",
        f"at least one row of {EVENTS} can be read",
        function=partial(_some_row_is_accepted, dict(values)),
        statements=(checked_rows(EVENTS),),
        blocking=True,
    )


def _some_row_is_accepted(values: Mapping[str, Any], inputs: Inputs) -> CheckOutcome:
    name = "some_row_is_accepted"
    accepted = inputs.query(f"SELECT count(*) AS n FROM {OUTPUT}")["n"][0]
    if accepted:
        return CheckOutcome(name, True, f"{accepted:,} rows are accepted", counts={"rows": accepted})
    total = inputs.query(f"SELECT count(*) AS n FROM {EVENTS}")["n"][0]
    if not total:
        found = f"{EVENTS} has no row: no file that was loaded has any"
        return CheckOutcome(name, False, found, counts={"rows": 0})
    reasons = rejections(EVENTS, inputs.query, values)
    reasons_text = "; ".join(each.text(total) for each in reasons[:3])
    counts = {"rows": total, **rows_by_reason(reasons)}
    return CheckOutcome(name, False, reasons_text, counts=counts, where=reasons[0].where if reasons else ())


def _are_written_in_one_way(inputs: Inputs) -> CheckOutcome:
    name = "ids_of_events_are_written_in_one_way"
    found = [*alike_in_events(OUTPUT, lambda sql: inputs.query(sql).rows())]
    if not found:
        return CheckOutcome(
            name, True, "no id is written in two ways", counts={"customers": 0, "products": 0}
        )
    counts = {"customers": 0, "products": 0, "events": sum(events for _, _, events, _ in found)}
    counts |= {WORDS[column]: many for column, many, _, _ in found}
    counts |= {f"events of {WORDS[column]}": events for column, _, events, _ in found}
    where = tuple(place for *_, places in found for place in places)
    inputs.vouch_for({place.rpartition(":")[0] for place in where})
    return CheckOutcome(name, False, "; ".join(in_words(*each) for each in found), counts=counts, where=where)


IDS_IN_ONE_WAY = TableCheck(
    "ids_of_events_are_written_in_one_way",
    "no two ids of customers or of products differ only in case, in zeros before them, in signs between thousands or "
    "in letters that look alike",
    function=_are_written_in_one_way,
)


def _no_file_repeats_another(inputs: Inputs) -> CheckOutcome:
    name = "no_file_repeats_another"
    found = repeated_files(inputs.query)
    if not found:
        return CheckOutcome(name, True, "no file tells the events of another again, otherwise")
    one = found[0]
    inputs.vouch_for({file for each in found for file in (each.first, each.other)})
    pairs = len(found) - 1
    more = (
        ""
        if not pairs
        else "; and one more pair of files"
        if pairs == 1
        else f"; and {pairs} more pairs of files"
    )
    message = (
        f"{one.first} and {one.other} hold the same {'event' if one.same == 1 else f'{one.same} events'}; with other "
        f"values in each, {one.different} of them {'counts' if one.different == 1 else 'count'} twice{more}: where one "
        "file corrects the other, recsys forget FILE gives the wrong one up"
    )
    counts = {"rows in both": one.same, "rows twice": one.different, "pairs": len(found) - 1}
    return CheckOutcome(name, False, message, counts=counts, where=tuple(each.other for each in found))


NO_FILE_REPEATS_ANOTHER = TableCheck(
    "no_file_repeats_another",
    "no file tells most of the events of another one again with other amounts, products or customers, as a corrected "
    "export does; those events would count twice",
    function=_no_file_repeats_another,
)


def _checks_for(source: Source, values: Mapping[str, Any]) -> tuple[TableCheck, ...]:
    """Checks that depend on the source: its behaviours, its clock, and whether its SQL reads files of events twice."""
    rules = source.settings
    named = (rules.default_behaviour, *filter(None, (rules.target_behaviour,)))
    return (
        some_row_is_accepted(values),
        most_rows_are_accepted(EVENTS, values),
        behaviours_are_known(named),
        ONE_CLOCK if rules.time_zone == "UTC" else no_skipped_hour(rules.time_zone),
        *((LINES_COUNT_ONCE,) if SourceFolder(source, Path()).shared_scans(EVENTS) else ()),
    )


TABLE = SqlTable(
    "clean/events.sql",
    checks=(
        not_null("event_time", "user_id", "item_id", "behaviour", "quantity", "_file", "_line"),
        TableCheck(
            "quantity_is_positive",
            "every accepted event has a quantity above zero",
            f"SELECT * FROM {OUTPUT} WHERE NOT quantity > 0",
            blocking=True,
        ),
        TableCheck(
            "returned_at_most_bought",
            "no event has more pieces returned than bought",
            f"SELECT * FROM {OUTPUT} WHERE returned_quantity > quantity",
            blocking=True,
        ),
        no_scientific_ids("user_id", "item_id"),
        IDS_IN_ONE_WAY,
        NO_CROWD,
        NO_FILE_REPEATS_ANOTHER,
    ),
    checks_for=_checks_for,
    personal="recommendations are made from what each customer did",
)
