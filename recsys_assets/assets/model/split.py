"""`split`: interactions divided into train, valid and test."""

from __future__ import annotations

from functools import partial

from recsys_assets.assets.counted_values import counts_by_value, counts_in_words
from recsys_assets.assets.sql_table import SqlTable
from recsys_lineage.assets.checks import OUTPUT, TableCheck, unique
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import did_you_mean
from recsys_lineage.records.parts.check_outcome import CheckOutcome

SUBSETS = ("train", "valid", "test")


def target_occurs(target: str | None) -> TableCheck:
    """Blocking check: the target behaviour of the source's settings occurs."""
    return TableCheck(
        "target_behaviour_occurs",
        "the target behaviour occurs",
        function=partial(_target_occurs, target),
        blocking=True,
    )


def _target_occurs(target: str | None, inputs: Inputs) -> CheckOutcome:
    name = "target_behaviour_occurs"
    counts = counts_by_value(
        inputs, f"SELECT behaviour, sum(count)::BIGINT FROM {OUTPUT} GROUP BY behaviour ORDER BY behaviour"
    )
    inputs.shared_values(OUTPUT, "behaviour", "user_id")
    chosen = inputs.query(f"SELECT DISTINCT behaviour FROM {OUTPUT} WHERE is_target")["behaviour"].to_list()
    if target is None or target in counts:
        return CheckOutcome(
            name, True, f"the target is {', '.join(chosen)}; of all {counts_in_words(counts)}", counts=counts
        )
    meant = did_you_mean(target, counts)
    found = f"target_behaviour of source.toml is {target!r}, and there are only {counts_in_words(counts)}. {meant}"
    return CheckOutcome(name, False, found.strip(), counts=counts)


def every_subset_has_rows(inputs: Inputs) -> CheckOutcome:
    """Whether train, valid and test each have interactions."""
    counts = _subset_counts(inputs)
    found = f"interactions: {counts_in_words(counts)}"
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
    shown = counts_in_words(counts)
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
    found = counts_by_value(inputs, f"SELECT subset, count(*) FROM {OUTPUT} GROUP BY subset")
    return {name: found.get(name, 0) for name in SUBSETS}


TABLE = SqlTable(
    "model/split.sql",
    checks=(
        unique("user_id", "item_id", "behaviour", "subset"),
        TableCheck(
            "every_subset_has_rows",
            "train, valid and test each have interactions",
            function=every_subset_has_rows,
            blocking=True,
        ),
    ),
    checks_for=lambda source, values: (
        target_occurs(source.settings.target_behaviour),
        divided_by_weeks(values["holdout_weeks"]),
    ),
    personal="what each customer did, divided for training and test",
)
