"""What was shown and done is on the disk before anybody hears of it, whatever ends the process."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import threading
from collections import Counter
from pathlib import Path

import pytest

from recsys_assets.service.feedback import feedback_log, log_file
from recsys_assets.service.feedback.feedback_log import FeedbackError, FeedbackLog
from recsys_assets.service.feedback.log_reader import LogReader, read_log
from tests.service.running import Command, Customer, Reply, served
from tests.service.test_answers import event


def test_a_kill_leaves_the_exposure_of_every_answer_exactly_once(home: Path) -> None:
    heard: list[str] = []
    for round_ in range(2):
        service = Command(home)
        threads = [threading.Thread(target=ask_until_it_dies, args=(service.port, heard)) for _ in range(4)]
        for thread in threads:
            thread.start()
        while len(heard) < 200 * (round_ + 1):
            threads[0].join(0.01)
        service.end(signal.SIGKILL)
        for thread in threads:
            thread.join()
    reader = LogReader(home / "feedback", "exposures")
    written = Counter(entry["query_id"] for entry in reader.new())
    assert len(heard) >= 400 and set(heard) <= set(written), "an answer was heard of that is not written down"
    assert set(written.values()) == {1} and reader.found.damaged == []
    with served(home) as (customer, _):
        assert customer.list_of("customer-1").status == 200


def ask_until_it_dies(port: int, heard: list[str]) -> None:
    customer = Customer(port)
    while True:
        try:
            answer = customer.list_of("customer-1", k=3)
        except Exception:  # however a connection ends when its process does
            return
        heard.append(answer.json["query_id"])


def test_an_exposure_says_what_was_shown_to_whom_where_and_how_likely(home: Path) -> None:
    (home / "rules.toml").write_text("[exploration]\nshare = 0.5\namong = 5\n")
    with served(home) as (customer, _):
        answer = customer.list_of("customer-1", k=3, client_id="browser").json
    (entry,) = read_log(home / "feedback", "exposures")
    assert entry["query_id"] == answer["query_id"] and entry["user"] == "customer-1"
    assert entry["client_id"] == "browser" and entry["model_version"] == 0 and entry["arm"] == "control"
    assert entry["object_ids"] == [each["item"] for each in answer["items"]]
    assert entry["propensities"] == [each["propensity"] for each in answer["items"]]


def test_nobody_else_can_read_it(home: Path) -> None:
    with served(home) as (customer, _):
        customer.list_of("customer-1")
        customer.tell(event("view", "item-1", user="u"))
    files = [*(home / "feedback").iterdir(), home / "service" / "assignment.key"]
    assert len(files) == 4 and all(path.stat().st_mode & 0o077 == 0 for path in [*files, home / "feedback"])


def test_two_services_do_not_write_to_one_home(home: Path) -> None:
    with served(home), pytest.raises(FeedbackError, match="Another service"), served(home):
        pass


def test_a_full_disk_is_told_and_what_was_refused_can_be_sent_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought = event("purchase", "item-5", user="customer-1")
    with served(home) as (customer, _):
        before = customer.list_of("customer-1").items
        with monkeypatch.context() as full:
            full.setattr(log_file.os, "pwrite", _no_space)
            answers = [customer.list_of("customer-1"), customer.tell(bought)]
            assert [each.status for each in answers] == [503, 503]
            assert "No space left" in answers[0].json["detail"]
            assert any("No space left" in each for each in customer.ready()["problems"])
        assert customer.list_of("customer-1").items == before, "what was not written down does not count"
        assert customer.tell(bought).json["accepted"] == 1
        assert customer.ready()["problems"] == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_whatever_ends_the_writer_nobody_waits_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object) -> None:
        raise MemoryError

    async def append() -> None:
        await asyncio.wait_for(log.append("events", [b"{}"]), 30)

    monkeypatch.setattr(FeedbackLog, "_written", ended)
    with FeedbackLog(tmp_path) as log:
        for _ in range(2):
            with pytest.raises(FeedbackError):
                asyncio.run(append())
        assert log.failure


def _no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_torn_line_is_passed_over_and_a_damaged_one_is_told(home: Path) -> None:
    with served(home) as (customer, _):
        customer.tell(event("view", "item-5", client_id="c"))
    (path,) = (home / "feedback").glob("events-*")
    path.write_bytes(b"\x00 not JSON\n{}\n" + path.read_bytes() + b'{"event_id": "to')
    with served(home) as (customer, _):
        assert not customer.session(client_id="c").json["cold"]
        figures = customer.figures()
        for state, lines in {"read": 1, "torn": 1, "damaged": 2}.items():
            assert f'recsys_feedback_lines_total{{state="{state}"}} {lines}.0' in figures


def test_a_file_that_is_large_enough_is_followed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback_log, "LARGEST_FILE", 300)

    async def write() -> None:
        for number in range(20):
            await log.append("events", [json.dumps({"number": number, "x": "." * 50}).encode()])

    with FeedbackLog(tmp_path) as log:
        asyncio.run(write())
    assert 4 <= len(list(tmp_path.glob("events-*"))) <= 6
    assert [entry["number"] for entry in read_log(tmp_path, "events")] == list(range(20))


def test_after_its_file_is_deleted_lines_go_to_a_new_one(tmp_path: Path) -> None:
    def append(number: int) -> None:
        asyncio.run(log.append("events", [b'{"n":%d}' % number]))

    with FeedbackLog(tmp_path) as log:
        append(1)
        (path,) = tmp_path.glob("events-*")
        path.unlink()
        append(2)
        append(3)
    assert [entry["n"] for entry in read_log(tmp_path, "events")] == [2, 3]


def test_with_a_delay_answers_do_not_wait_and_all_is_written_at_the_end(home: Path) -> None:
    heard: list[Reply] = []
    with served(home, durable_within_ms=1000) as (customer, _):
        heard += [customer.list_of("customer-1") for _ in range(5)]
        assert list(read_log(home / "feedback", "exposures")) == []
    written = [entry["query_id"] for entry in read_log(home / "feedback", "exposures")]
    assert written == [each.json["query_id"] for each in heard]


def test_what_customers_did_is_waited_for_all_the_same(tmp_path: Path) -> None:
    with FeedbackLog(tmp_path, within_ms=200) as log:
        asyncio.run(log.append("events", [b'{"n":1}']))
        assert [entry["n"] for entry in read_log(tmp_path, "events")] == [1]


def test_concurrent_writers_share_groups_and_lose_nothing(tmp_path: Path) -> None:
    async def write() -> None:
        await asyncio.gather(*(log.append("exposures", [b'{"n":%d}' % n]) for n in range(2000)))

    groups: list[float] = []
    with FeedbackLog(tmp_path, timed=groups.append) as log:
        asyncio.run(write())
    assert sorted(entry["n"] for entry in read_log(tmp_path, "exposures")) == list(range(2000))
    assert len(groups) < 1000


def test_where_each_new_file_is_deleted_at_once_the_request_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsys_assets.service.feedback.log_file.LogFile.is_deleted", lambda _: True)
    with FeedbackLog(tmp_path) as log, pytest.raises(FeedbackError, match="deleted at once"):
        asyncio.run(log.append("events", [b"{}"]))
