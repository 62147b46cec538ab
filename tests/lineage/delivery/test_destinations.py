"""What each kind of destination makes of messages."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openlineage.client.serde import Serde
from openlineage.client.transport import Config, Transport
from openlineage.client.transport.http import HttpConfig

from recsys_lineage.openlineage.destinations.client_transport import TransportDestination, client_event
from recsys_lineage.openlineage.destinations.event_file import FileDestination
from recsys_lineage.openlineage.destinations.http import HttpDestination, kind_of
from recsys_lineage.openlineage.destinations.key_order import belong_in_order
from recsys_lineage.openlineage.message import Message
from tests.examples import examples
from tests.lineage.delivery.made_stream import made_messages
from tests.lineage.delivery.sink import TAKE, Behaviour, Sink, refuse

MESSAGES = made_messages(3)
BODIES = [message.body for message in MESSAGES]


def lines(folder: Path) -> list[bytes]:
    """The lines of all files, in the order in which they were written."""
    paths = [*sorted(folder.glob("events.*.jsonl")), folder / "events.jsonl"]
    return [line for path in paths if path.exists() for line in path.read_bytes().splitlines()]


class TestFile:
    def test_a_torn_line_is_mended_and_what_stands_there_is_not_written_again(self, tmp_path: Path) -> None:
        path = tmp_path / "events.jsonl"
        path.write_bytes(b"\n".join(BODIES[:3]) + b"\n" + BODIES[3][:20])
        answers = FileDestination("file", path).deliver(MESSAGES[1:])
        assert [answer and answer.kind for answer in answers] == ["taken"] * (len(MESSAGES) - 1)
        assert path.read_bytes().splitlines() == BODIES

    @pytest.mark.parametrize("before", [b"", b"half of a line", b"x" * 3_000_000])
    def test_a_file_of_half_a_line_begins_anew(self, tmp_path: Path, before: bytes) -> None:
        (tmp_path / "events.jsonl").write_bytes(before)
        FileDestination("file", tmp_path / "events.jsonl").deliver(MESSAGES)
        assert lines(tmp_path) == BODIES

    def test_a_large_file_is_begun_anew_and_the_oldest_go(self, tmp_path: Path) -> None:
        file = FileDestination("file", tmp_path / "events.jsonl", largest=300, most_rotated=2)
        for message in MESSAGES:
            file.deliver([message])
        file.close()
        put_aside = sorted(path.name for path in tmp_path.glob("events.*.jsonl"))
        assert len(put_aside) == 2 and lines(tmp_path) == BODIES[-len(lines(tmp_path)) :]

    @settings(max_examples=examples(40), deadline=None)
    @given(
        calls=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=6),
        largest=st.integers(200, 5_000),
    )
    def test_law_whoever_goes_on_where_the_last_one_noted_writes_each_line_once(
        self, tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[float, float]], largest: int
    ) -> None:
        folder, begin, end = tmp_path_factory.mktemp("file"), 0, 0
        for noted, taken in [*calls, (1.0, 1.0)]:
            # A sender that was killed noted all of its last call, a part of it, or nothing.
            begin += round(noted * (end - begin))
            end = max(end, begin + round(taken * (len(MESSAGES) - begin)))
            file = FileDestination("file", folder / "events.jsonl", largest=largest, most_rotated=99)
            file.deliver(MESSAGES[begin:end])
            file.close()
        assert lines(folder) == BODIES

    def test_a_replay_writes_what_stands_there_once_more(self, tmp_path: Path) -> None:
        FileDestination("file", tmp_path / "events.jsonl").deliver(MESSAGES)
        FileDestination("file", tmp_path / "events.jsonl", again=True).deliver(MESSAGES)
        assert lines(tmp_path) == BODIES * 2

    def test_nobody_else_can_read_it(self, tmp_path: Path) -> None:
        FileDestination("file", tmp_path / "events.jsonl").deliver(MESSAGES)
        assert (tmp_path / "events.jsonl").stat().st_mode & 0o077 == 0

    def test_a_full_disk_is_waited_for_and_leaves_no_half_of_a_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = FileDestination("file", tmp_path / "events.jsonl")
        file.deliver(MESSAGES[:2])

        def full(_handle: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        answers = file.deliver(MESSAGES[2:])
        assert answers[0] is not None and answers[0].kind == "later" and answers[1] is None
        assert "No space left" in answers[0].text and lines(tmp_path) == BODIES[:2]
        monkeypatch.undo()
        file.deliver(MESSAGES[2:])
        assert lines(tmp_path) == BODIES


def catalog(url: str, workers: int = 1, **options: Any) -> HttpDestination:
    return HttpDestination("catalog", HttpConfig.from_dict({"url": url, "timeout": 5.0, **options}), workers)


class TestHttp:
    def test_it_compresses_where_the_settings_say_so(self) -> None:
        with Sink() as sink:
            catalog(sink.url, compression="gzip").deliver(MESSAGES[:2])
        assert sink.stored == [MESSAGES[0].id, MESSAGES[1].id]

    def test_one_connection_is_used_for_all(self) -> None:
        with Sink(lambda _number, _id: Behaviour(text="x" * 5_000)) as sink:
            catalog(sink.url).deliver(MESSAGES)
        assert (len(sink.asked), sink.connections) == (len(MESSAGES), 1)

    def test_a_date_to_come_again_at_is_minded(self) -> None:
        at = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=90))
        with Sink(lambda _number, _id: refuse(503, Retry_After=at)) as sink:
            (answer,) = catalog(sink.url).deliver(MESSAGES[:1])
        assert answer is not None and answer.wait is not None and 80 < answer.wait <= 90

    @pytest.mark.parametrize("text", ["soon", "nan", "-5", ""])
    def test_nonsense_to_come_again_at_means_nothing(self, text: str) -> None:
        with Sink(lambda _number, _id: refuse(503, Retry_After=text)) as sink:
            (answer,) = catalog(sink.url).deliver(MESSAGES[:1])
        assert answer is not None and not answer.wait

    def test_a_redirect_is_no_answer(self) -> None:
        with (
            Sink() as other,
            Sink(lambda _number, _id: refuse(307, Location=f"{other.url}/x?token=1")) as sink,
        ):
            (answer,) = catalog(sink.url).deliver(MESSAGES[:1])
        assert answer is not None and answer.kind == "closed" and other.asked == []
        assert other.url in answer.text and "token" not in answer.text

    @pytest.mark.parametrize("text", ["<!DOCTYPE html><p>Log in</p>", "\n <HTML lang='en'>"])
    def test_a_web_page_is_no_answer(self, text: str) -> None:
        with Sink(lambda _number, _id: Behaviour(200, text=text)) as sink:
            (answer,) = catalog(sink.url).deliver(MESSAGES[:1])
        assert answer is not None and answer.kind == "closed" and "web page" in answer.text

    def test_once_one_is_not_taken_no_further_one_is_begun(self) -> None:
        messages = [replace(each, key=f"shop/{place}") for place, each in enumerate(made_messages(2))]
        with Sink(lambda _number, _id: refuse(400)) as sink:
            destination = catalog(sink.url, workers=2)
            destination.deliver(messages)
            destination.close()
        assert len(sink.asked) <= 2 < len(messages)

    @pytest.mark.parametrize("url", ["http://no-such-host.invalid", "http://127.0.0.1:1"])
    def test_what_cannot_be_reached_is_told_in_few_words(self, url: str) -> None:
        (answer,) = catalog(url).deliver(MESSAGES[:1])
        assert answer is not None and answer.kind == "later"
        assert answer.text.startswith("no connection: ") and "object at 0x" not in answer.text

    def test_a_password_in_the_url_is_used_and_never_shown(self) -> None:
        with Sink(lambda _number, _id: refuse(422, "you said geheim")) as sink:
            destination = catalog(sink.url.replace("http://", "http://user:geheim@"))
            (answer,) = destination.deliver(MESSAGES[:1])
        assert sink.tokens[0] is not None and sink.tokens[0].startswith("Basic ")
        assert answer is not None and "geheim" not in answer.text + destination.target

    def test_a_token_is_not_replaced_by_one_of_a_netrc(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        with Sink() as sink:
            catalog(sink.url, auth={"type": "api_key", "apiKey": "mine"}).deliver(MESSAGES[:1])
        assert sink.tokens == ["Bearer mine"]

    @given(status=st.integers(100, 599))
    def test_law_only_2xx_is_taken_and_only_4xx_is_refused(self, status: int) -> None:
        kind = kind_of(status)
        assert (kind == "taken") == (200 <= status < 300)
        assert kind != "refused" or 400 <= status < 500
        assert kind == "later" or status < 500 or status in (501, 505, 511)

    def test_side_by_side_more_is_done_at_once_and_what_belongs_in_an_order_keeps_it(self) -> None:
        messages = made_messages(2, 6)
        with Sink(lambda _number, _id: Behaviour(seconds=0.05)) as sink:
            destination = catalog(sink.url, workers=6)
            answers = destination.deliver(messages)
            destination.close()
        assert all(answer is not None and answer.kind == "taken" for answer in answers)
        keys = {message.id: message.key for message in messages}
        place = {id_: number for number, id_ in enumerate(sink.asked)}
        for number, one in enumerate(messages):
            for other in messages[number + 1 :]:
                if belong_in_order(keys[one.id], keys[other.id]):
                    assert place[one.id] < place[other.id]
        assert sink.asked != [message.id for message in messages]

    def test_side_by_side_a_run_is_sent_between_the_answers_to_its_parents_start_and_before_its_end(
        self,
    ) -> None:
        answered: list[str] = []
        early: list[str] = []

        def script(_number: int, id_: str) -> Behaviour:
            parent, kind = id_.split("/")[0].split("a")[0], id_.split("/")[1]
            runs = {each.id for each in messages if each.id.startswith(f"{parent}a")}
            is_parent = id_ in (f"{parent}/START", f"{parent}/COMPLETE")
            needed = runs if kind == "COMPLETE" and is_parent else set() if is_parent else {f"{parent}/START"}
            if not needed <= set(answered):
                early.append(id_)
            time.sleep(0.05)
            answered.append(id_)
            return TAKE

        messages = made_messages(2, 3)
        with Sink(script) as sink:
            destination = catalog(sink.url, workers=6)
            destination.deliver(messages)
            destination.close()
        assert (len(answered), early) == (len(messages), [])


class Failing(Transport):
    """A transport of a stranger."""

    config_class = Config

    def __init__(self, error: Exception | None) -> None:
        self.events: list[Any] = []
        self._error = error

    def emit(self, event: Any) -> None:
        self.events.append(event)
        if self._error is not None:
            raise self._error


class TestTransportOfTheClient:
    def test_events_arrive_as_the_client_makes_them(self) -> None:
        event = {
            "eventTime": "2026-11-26T03:00:00Z", "eventType": "COMPLETE", "producer": "https://producer",
            "run": {"runId": "019a5b60-0000-7000-8000-000000000012", "facets": {"own": {"a": [1, {}]}}},
            "job": {"namespace": "shop", "name": "recsys.a", "facets": {}},
            "inputs": [{"namespace": "file", "name": "/a", "facets": {}, "inputFacets": {}}],
            "outputs": [{"namespace": "file", "name": "/b", "facets": {"schema": {"fields": []}}, "outputFacets": {}}],
        }  # fmt: skip
        transport = Failing(None)
        body = json.dumps(event).encode()
        (answer,) = TransportDestination("own", transport, "own").deliver(
            [Message("i", "r", "k", "r", 0, body)]
        )
        assert answer is not None and answer.kind == "taken"
        told = Serde.to_dict(transport.events[0])
        assert {key: value for key, value in told.items() if key != "schemaURL"} == Serde.to_dict(event)

    @pytest.mark.parametrize(
        "event",
        [
            {"job": {"namespace": "shop", "name": "a", "facets": {}}, "inputs": [], "outputs": []},
            {"dataset": {"namespace": "file", "name": "/a", "facets": {}}},
        ],
        ids=["job", "dataset"],
    )
    def test_events_without_a_run(self, event: dict[str, Any]) -> None:
        event |= {"eventTime": "2026-11-26T03:00:00Z", "producer": "https://producer"}
        told = Serde.to_dict(client_event(json.dumps(event).encode()))
        assert {key: value for key, value in told.items() if key != "schemaURL"} == event

    def test_what_it_raises_is_tried_again_later_and_told_without_secrets(self) -> None:
        destination = TransportDestination(
            "own", Failing(RuntimeError("key geheim is wrong")), "own", ["geheim"]
        )
        real = (
            b'{"eventTime": "2026-11-26T03:00:00Z", "producer": "p", "job": {"namespace": "n", "name": "j"}}'
        )
        answers = destination.deliver([Message("i", None, "k", "r", 0, real)] * 2)
        assert answers[0] is not None and answers[0].kind == "later" and answers[1] is None
        assert answers[0].text == "RuntimeError: key *** is wrong"


def test_the_sink_takes_what_it_is_told() -> None:
    """The tests' own catalog: what it says it stored, it stored."""
    with Sink(lambda number, _id: TAKE if number else refuse(500)) as sink:
        catalog(sink.url).deliver(MESSAGES[:1])
        catalog(sink.url).deliver(MESSAGES[:1])
    assert (sink.asked, sink.stored) == ([MESSAGES[0].id] * 2, [MESSAGES[0].id])
