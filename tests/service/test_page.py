"""The figures behind the page that a person reads, and that it runs nothing but itself."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.service.feedback import observations
from recsys_assets.service.feedback.feedback_log import closed_files, stamp_of
from recsys_assets.service.feedback.log_reader import LogReader
from recsys_assets.service.feedback.observations import HOURS, Observations
from recsys_assets.service.processes import other_workers
from recsys_assets.service.processes.other_workers import recalled_since
from recsys_assets.service.service_files import ServiceFiles
from tests.examples import examples
from tests.service.running import Customer, served
from tests.service.small_shop import ITEMS
from tests.service.test_answers import event


def test_status_tells_what_was_answered_and_clicked(customer: Customer) -> None:
    lists = [customer.list_of(f"customer-{user}", k=4).json for user in range(4)]
    cold = customer.list_of("nobody", k=4).json
    customer.list_of("customer-1", k=0)
    item = lists[0]["items"][2]["item"]
    for number in range(2):  # twice on one list: one click
        sent = event(("view", "purchase")[number], item, user="customer-0", query_id=lists[0]["query_id"])
        customer.tell(sent)
        customer.tell(sent)
    elsewhere = next(f"item-{n}" for n in range(ITEMS) if f"item-{n}" not in str(lists[1]["items"]))
    customer.tell(event("view", elsewhere, user="customer-1", query_id=lists[1]["query_id"]))
    told = customer.ask("GET", "/status").json
    (arm,) = told["arms"]
    shown = {each["item"] for answer in [*lists, cold] for each in answer["items"]}
    assert arm["arm"] == "control" and arm["answers"] == 5
    assert arm["click_rate"] == 1 / 5 and arm["cold_share"] == 1 / 5 and arm["degraded_share"] == 0
    assert arm["coverage"] == len(shown) / ITEMS
    assert sum(hour["answers"] for hour in arm["hours"]) == 5
    assert len(told["minutes"]) == 60 and sum(each["answers"] for each in told["minutes"]) == 5
    assert sum(each["refused"] for each in told["minutes"]) == 1 and told["statuses"]["422"] == 1
    latency = told["latency_ms"]
    assert (
        latency["answers"] == 5 and 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"]
    )
    serves = told["serves"]
    assert (serves["version"], serves["record"]) == (0, lists[0]["record"]) and serves["age_seconds"] > 0
    assert told["rules"] == ["What was bought is never recommended again."] and told["experiments"] == []
    figures = customer.figures()
    assert 'recsys_click_rate{arm="control"} 0.2' in figures
    assert f'recsys_coverage{{arm="control"}} {arm["coverage"]}' in figures
    assert 'recsys_clicks_total{arm="control"} 1.0' in figures


def test_a_restart_forgets_no_answer_of_the_day(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(home) as (customer, _):
        lists = [customer.list_of(f"customer-{user}", k=4).json for user in range(4)]
        for user, answer in enumerate(lists[:2]):
            item = answer["items"][user]["item"]
            customer.tell(event("view", item, user=f"customer-{user}", query_id=answer["query_id"]))
        before = customer.ask("GET", "/status").json["arms"]
    assert before[0]["click_rate"] == 2 / 4 and before[0]["answers"] == 4
    shown = closed_files(ServiceFiles(home).feedback, "exposures")[0]
    two_days_ago = [
        orjson.dumps(
            {**orjson.loads(line), "time": orjson.loads(line)["time"] - 48 * 3_600_000_000, "query_id": "old"}
        )
        for line in shown.read_bytes().splitlines()
    ]
    (shown.parent / f"exposures-{shown.name.split('-')[1]}0-1.jsonl").write_bytes(
        b"\n".join(two_days_ago) + b"\n"
    )
    with served(home) as (customer, _):
        assert customer.ask("GET", "/status").json["arms"] == before
        late, again = (
            lists[2],
            lists[0],
        )  # a click on a list of before counts, and one that was counted does not
        for answer in (late, again):
            item = answer["items"][3]["item"]
            customer.tell(event("view", item, user="customer-2", query_id=answer["query_id"]))
        (arm,) = customer.ask("GET", "/status").json["arms"]
        assert arm["click_rate"] == 3 / 4 and arm["answers"] == 4
        assert 'recsys_click_rate{arm="control"} 0.75' in customer.figures()


def test_a_start_reads_the_newest_files_of_a_day_up_to_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 5, 3, 10, tzinfo=timezone.utc)
    stamps = [stamp_of(now - timedelta(hours=hours)) for hours in (60, 30, 20, 1)]
    for stamp in stamps:
        lines = b"".join(b'{"n": "%s %d"}\n' % (stamp[-4:].encode(), number) for number in range(10))
        (tmp_path / f"exposures-{stamp}-7.jsonl").write_bytes(lines)
    size = (tmp_path / f"exposures-{stamps[0]}-7.jsonl").stat().st_size
    assert recalled_since(tmp_path, now) == (stamps[1], 0), (
        "begun yesterday, it may have lines of the last 24 hours"
    )
    monkeypatch.setattr(other_workers, "MOST_RECALLED", size + size // 2)
    since, skip = recalled_since(tmp_path, now)
    assert since == stamps[2] and size // 2 <= skip < size
    read = list(LogReader(tmp_path, "exposures", since=since, skip=skip).new())
    assert len(read) in (14, 15) and read[-1]["n"].endswith(" 9"), "whole lines, the newest"
    assert recalled_since(tmp_path / "none", now) == (stamp_of(now), 0)


SHOWN = st.tuples(
    st.sampled_from("ab"), st.integers(0, 200_000), st.sets(st.integers(0, 20)), st.booleans(), st.booleans()
)


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(SHOWN, max_size=30), st.sampled_from((1, 3, observations.LISTS)))
def test_shares_are_those_of_the_lists_of_a_day(
    shown: list[tuple[str, int, set[int], bool, bool]], kept_lists: int
) -> None:
    with pytest.MonkeyPatch.context() as few:
        few.setattr(observations, "LISTS", kept_lists)
        _check_shares(shown)


def _check_shares(shown: list[tuple[str, int, set[int], bool, bool]]) -> None:
    now = 1_800_000_000.0
    seen = Observations(lambda: now)
    kept: list[tuple[str, int, set[int], bool, bool]] = []
    for number, (arm, later, items, cold, clicked) in enumerate(shown):
        now += later
        names = [f"i{item}" for item in items]
        seen.answered(str(number), arm, names, cold=cold, degraded=False)
        for name in names if clicked else ():
            seen.acted(str(number), "view", name)
        kept.append((arm, int(now // 3600), items, cold, clicked and bool(items)))
    kept = [each for each in kept if each[1] > int(now // 3600) - HOURS]
    told = {each["arm"]: each for each in seen.arms(21)}
    assert told.keys() == {each[0] for each in kept}
    for arm, each in told.items():
        own = [one for one in kept if one[0] == arm]
        assert each["answers"] == len(own)
        assert each["cold_share"] == pytest.approx(sum(one[3] for one in own) / len(own))
        assert each["click_rate"] == pytest.approx(sum(one[4] for one in own) / len(own))
        assert each["coverage"] == pytest.approx(len(set().union(*(one[2] for one in own))) / 21)
        assert [hour["hour"] for hour in each["hours"]] == sorted({hour["hour"] for hour in each["hours"]})


def test_the_page_needs_nothing_of_elsewhere_and_runs_nothing_but_itself(customer: Customer) -> None:
    answer = customer.ask("GET", "/")
    policy, html = answer.headers["content-security-policy"], answer.body.decode()
    assert "unsafe" not in policy and "default-src 'none'" in policy and "connect-src 'self'" in policy
    assert policy.count("sha256-") == 2 and "frame-ancestors 'none'" in policy
    assert not re.search(r"(src|href)=\"(?!data:)|@import|url\(|innerHTML| style=| on\w+=", html)
    assert set(re.findall(r"https?://[^\"]+", html)) == {"http://www.w3.org/2000/svg"}
