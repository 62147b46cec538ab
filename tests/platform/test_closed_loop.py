"""The loop as a whole: what the service was told on one day, the next night's models have learned, and it is traced."""

from __future__ import annotations

import json

import pytest

from recsys_lineage.files.source_file import hashed_file
from recsys_lineage.records.records import Records
from recsys_lineage.rows.back import trace_back
from tests.platform.conftest import Shop
from tests.service.running import served

LEARNS = ("candidate_popularity", "candidate_item_neighbours", "recommendations")


@pytest.mark.slow
def test_what_the_service_was_told_changes_the_next_night_and_is_traced_to_its_line(shop: Shop) -> None:
    before = {name: Records(shop.lake).get(name) for name in LEARNS}
    bought = [
        {
            "event_id": f"e{user}", "action_name": "purchase", "user": f"u{user}", "object_id": "i3",
            "timestamp": "2024-01-10T12:00:00Z",
        }
        for user in range(0, 200, 2)
    ]  # fmt: skip
    with served(shop.home) as (customer, _):
        shown = customer.list_of("u1", k=5).json
        assert customer.tell(*bought).json["accepted"] == len(bought)
    (log,) = (shop.home / "feedback").glob("events-*.jsonl")
    answer = shop.answer("nightly")
    assert answer, "the night went through"
    after = {name: Records(shop.lake).get(name) for name in LEARNS}
    for name in LEARNS:
        assert after[name].fingerprint != before[name].fingerprint, name
    exposed = shop.rows("SELECT item_id, _file FROM {exposures} ORDER BY position")
    assert [item for item, _ in exposed] == [each["item"] for each in shown["items"]]

    read = after["candidate_popularity"].read("split")
    assert read is not None and read.version == Records(shop.lake).get("split").version
    lines = log.read_text().splitlines()
    for user in ("u0", "u42"):
        trace = trace_back(shop.lake, "split", {"user_id": user, "item_id": "i3"})
        told = [each for each in trace.files if each.file == f"feedback/{log.name}"]
        assert len(told) == 1 and told[0].sha256 == hashed_file(log, "", shop.home).sha256
        own = next(number for number, line in enumerate(lines, 1) if json.loads(line)["user"] == user)
        assert own in (told[0].lines or ()), (
            "among those of others who bought it, by whom the row stays in the split"
        )
        loaded = trace_back(shop.lake, "raw_events", {"user_id": user, "_event_id": f"e{user[1:]}"})
        assert [(each.file, each.lines) for each in loaded.files] == [(f"feedback/{log.name}", (own,))]
