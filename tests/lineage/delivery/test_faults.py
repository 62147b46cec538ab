"""However a catalog behaves, afterwards it has each event's effect once, in order, and none is missing."""

from __future__ import annotations

import itertools
import random
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.openlineage.delivery.sender import MOST_REFUSED_IN_A_ROW, TRIES
from tests.examples import examples
from tests.lineage.delivery.made_stream import SetClock, delivery_to, made_messages
from tests.lineage.delivery.sink import TAKE, Behaviour, Sink, refuse, require_each_once_in_order

PATIENCE = 300.0
"""Seconds that nothing needs, however busy the machine is."""
MESSAGES = made_messages(5)
POISON = "r1a0/COMPLETE"
OTHERS = [message for message in MESSAGES if message.id != POISON]


def test_each_event_is_sent_once_and_nothing_is_sent_again(tmp_path: Path) -> None:
    with Sink() as sink:
        (first,) = delivery_to(tmp_path, MESSAGES, sink.url).send()
        (second,) = delivery_to(tmp_path, MESSAGES, sink.url).send()
    assert (first.state, first.taken, second.state, second.taken) == (
        "delivered",
        len(MESSAGES),
        "delivered",
        0,
    )
    assert sink.stored == [message.id for message in MESSAGES]


def test_a_catalog_that_is_down_at_the_start_gets_everything_once_it_is_up(tmp_path: Path) -> None:
    clock, sink = SetClock(), Sink()
    (waiting,) = delivery_to(tmp_path, MESSAGES, sink.url, clock=clock).send(until=clock.now() + 10)
    assert waiting.state == "waiting" and "refused" in waiting.text.lower()
    (standing,) = delivery_to(tmp_path, MESSAGES, sink.url, clock=clock).status()
    assert standing.trouble and not standing.closed and standing.dead_letters == 0
    with sink:
        assert (
            delivery_to(tmp_path, MESSAGES, sink.url, clock=clock).send(again_now=True)[0].state
            == "delivered"
        )
    require_each_once_in_order(sink.stored, MESSAGES)


def test_a_catalog_is_given_up_once_patience_is_at_its_end(tmp_path: Path) -> None:
    clock = SetClock()
    delivery = delivery_to(tmp_path, MESSAGES, Sink().url, clock=clock)
    delivery.patience = 30
    (waiting,) = delivery.send(again_now=True)
    assert waiting.state == "waiting" and clock.now() - SetClock().time <= 30


def test_an_hour_without_a_catalog_loses_nothing_and_hammers_nobody(tmp_path: Path) -> None:
    sink = Sink()
    up_at = SetClock().time + 3600

    def wake(now: float) -> None:
        if now >= up_at:
            sink.start()

    clock = SetClock(on_sleep=wake)
    (done,) = delivery_to(tmp_path, MESSAGES, sink.url, clock=clock).send()
    sink.stop()
    assert done.state == "delivered" and done.set_aside == 0
    assert 3600 <= clock.now() - SetClock().time < 3700
    assert len(clock.waits) < 150, "waits grow up to a minute"
    require_each_once_in_order(sink.stored, MESSAGES)


def test_a_slow_catalog_is_waited_for_no_longer_than_one_answer_beyond_the_time(tmp_path: Path) -> None:
    clock = SetClock()

    def script(_number: int, _id: str) -> Behaviour:
        clock.time += 10
        return TAKE

    with Sink(script) as sink:
        delivery = delivery_to(tmp_path, MESSAGES, sink.url, clock=clock, workers=4)
        (done,) = delivery.send(until=clock.now() + 25)
        assert (done.state, done.taken) == ("more", 3)
        (rest,) = delivery.send()
    assert rest.state == "delivered"
    require_each_once_in_order(sink.stored, MESSAGES)


@pytest.mark.parametrize("workers", [1, 4])
def test_a_message_that_comes_twice_stops_nothing(tmp_path: Path, workers: int) -> None:
    twice = [each for message in MESSAGES for each in (message, message)]
    with Sink() as sink:
        (done,) = delivery_to(tmp_path, twice, sink.url, workers=workers).send()
    assert (done.state, done.set_aside) == ("delivered", 0)
    require_each_once_in_order(sink.stored, MESSAGES)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize(
    "fault",
    [
        refuse(500, "down"),
        refuse(503, "busy", Retry_After="120"),
        refuse(429, "slowly", Retry_After="7"),
        refuse(408),
        Behaviour(500, stores=True, text="stored and failed"),
        Behaviour(does="reset", stores=True),
        Behaviour(does="reset", stores=False),
        Behaviour(does="hang", stores=True),
        Behaviour(does="hang", stores=False),
        Behaviour(seconds=0.05),
    ],
    ids=lambda fault: f"{fault.does}-{fault.status}-{'stored' if fault.stores else 'lost'}",
)
def test_an_outage_in_the_middle_is_sat_out(tmp_path: Path, fault: Behaviour, workers: int) -> None:
    def script(number: int, _id: str) -> Behaviour:
        return fault if 8 <= number < 15 else TAKE

    clock = SetClock()
    with Sink(script) as sink:
        delivery = delivery_to(tmp_path, MESSAGES, sink.url, clock=clock, workers=workers, timeout=0.15)
        (done,) = delivery.send()
        sink.free.set()
    assert (done.state, done.taken, done.set_aside) == ("delivered", len(MESSAGES), 0)
    require_each_once_in_order(sink.stored, MESSAGES)
    if asked := fault.headers.get("Retry_After"):
        assert min(clock.waits) >= float(asked)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_an_event_that_is_refused_is_set_aside_at_once_with_the_answer(
    tmp_path: Path, status: int, workers: int
) -> None:
    clock = SetClock()
    script = lambda _number, id_: refuse(status, "job must not be null") if id_ == POISON else TAKE  # noqa: E731
    with Sink(script) as sink:
        delivery = delivery_to(tmp_path, MESSAGES, sink.url, clock=clock, workers=workers)
        (done,) = delivery.send()
    (letter,) = delivery.dead_letters()
    assert (letter.message, letter.status, letter.answer) == (POISON, status, "job must not be null")
    assert (done.state, done.set_aside, clock.waits) == ("delivered", 1, [])
    require_each_once_in_order(sink.stored, OTHERS)


@pytest.mark.parametrize(
    ("fault", "workers"),
    [(refuse(500, "broken"), 1), (refuse(500, "broken"), 4), (Behaviour(does="reset", stores=False), 1)],
    ids=["500", "500-side-by-side", "reset"],
)
@pytest.mark.parametrize("poison", [message.id for message in MESSAGES[:1] + MESSAGES[7:9] + MESSAGES[-1:]])
def test_an_event_that_alone_keeps_failing_is_set_aside_after_a_few_tries(
    tmp_path: Path, poison: str, fault: Behaviour, workers: int
) -> None:
    clock = SetClock()
    with Sink(lambda _number, id_: fault if id_ == poison else TAKE) as sink:
        delivery = delivery_to(tmp_path, MESSAGES, sink.url, clock=clock, workers=workers)
        (done,) = delivery.send()
    assert (done.state, done.set_aside) == ("delivered", 1)
    assert [letter.message for letter in delivery.dead_letters()] == [poison]
    assert sink.asked.count(poison) <= 12 and sum(clock.waits) < 120
    require_each_once_in_order(sink.stored, [message for message in MESSAGES if message.id != poison])


def test_asking_whether_others_are_taken_reopens_no_run_that_has_ended(tmp_path: Path) -> None:
    by_id = {message.id: message for message in made_messages(1)}
    messages = [by_id[id_] for id_ in ("r0a0/START", "r0a1/START", "r0a0/COMPLETE", "r0a1/COMPLETE")]
    with Sink(lambda _number, id_: refuse(500) if id_ == "r0a0/COMPLETE" else TAKE) as sink:
        delivery_to(tmp_path, messages, sink.url, clock=SetClock(), workers=4).send()
    ends = [id_ for id_ in sink.stored if id_.startswith("r0a1/")]
    assert len(ends) > 2, "the other job's event was sent again to ask"
    assert ends[-1] == "r0a1/COMPLETE"


def test_tries_are_counted_over_ticks_that_are_shorter_than_the_waits(tmp_path: Path) -> None:
    clock = SetClock()
    with Sink(lambda _number, id_: refuse(500) if id_ == POISON else TAKE) as sink:
        states = []
        for _ in range(40):
            (done,) = delivery_to(tmp_path, MESSAGES, sink.url, clock=clock).send(until=clock.now() + 1)
            states.append(done.state)
            clock.time += 30
    assert states[0] == "waiting" and states[-1] == "delivered"
    require_each_once_in_order(sink.stored, OTHERS)


def test_a_catalog_that_fails_for_everything_is_down_and_nothing_is_set_aside(tmp_path: Path) -> None:
    clock = SetClock()
    with Sink(lambda number, _id: refuse(500) if number >= 9 else TAKE) as sink:
        delivery = delivery_to(tmp_path, MESSAGES, sink.url, clock=clock)
        (done,) = delivery.send(until=clock.now() + 7200)
        assert (done.state, done.set_aside, delivery.dead_letters()) == ("waiting", 0, [])
        sink.script = lambda _number, _id: TAKE
        delivery.send(again_now=True)
    require_each_once_in_order(sink.stored, MESSAGES)


def test_a_limit_of_speed_is_never_taken_for_a_broken_event(tmp_path: Path) -> None:
    clock, tries = SetClock(), 60
    script = lambda _number, id_: (  # noqa: E731
        refuse(429, Retry_After="1") if id_ == POISON and sink.asked.count(id_) < tries else TAKE
    )
    with Sink(script) as sink:
        (done,) = delivery_to(tmp_path, MESSAGES, sink.url, clock=clock).send()
    assert (done.state, done.set_aside) == ("delivered", 0)
    require_each_once_in_order(sink.stored, MESSAGES)


@pytest.mark.parametrize("status", [301, 302, 401, 403, 404, 405])
def test_a_wrong_token_or_address_is_told_and_the_queue_stays(tmp_path: Path, status: int) -> None:
    clock = SetClock()
    with Sink(lambda _number, _id: refuse(status, "no", Location="http://elsewhere/")) as sink:
        delivery = delivery_to(tmp_path, MESSAGES, sink.url, clock=clock)
        (done,) = delivery.send()
        assert (done.state, done.taken, done.set_aside, len(sink.asked)) == ("closed", 0, 0, 1)
        assert str(status) in done.text
        assert delivery.status()[0].closed
        sink.script = lambda _number, _id: TAKE
        (mended,) = delivery_to(tmp_path, MESSAGES, sink.url, clock=clock).send(again_now=True)
    assert mended.state == "delivered" and delivery.dead_letters() == []
    require_each_once_in_order(sink.stored, MESSAGES)


def test_a_server_that_refuses_everything_does_not_empty_the_queue(tmp_path: Path) -> None:
    messages = made_messages(20)
    with Sink(lambda _number, _id: refuse(400, "who are you")) as sink:
        delivery = delivery_to(tmp_path, messages, sink.url, clock=SetClock())
        done = [delivery.send(again_now=True)[0] for _ in range(4)]
        assert done[-1].state == "waiting" and "400" in done[-1].text
        assert len(delivery.dead_letters()) == MOST_REFUSED_IN_A_ROW
        sink.script = lambda _number, _id: TAKE
        delivery.send(again_now=True)
        assert len(sink.stored) == len(messages) - MOST_REFUSED_IN_A_ROW
        delivery.replay(None)
    assert delivery.dead_letters() == []
    assert sink.stored[-len(messages) :] == [message.id for message in messages]


def test_what_a_catalog_answers_is_kept_short_and_without_the_token(tmp_path: Path) -> None:
    key = "sk-very-secret"
    script = lambda _number, id_: refuse(422, f"{key} " * 5000) if id_ == POISON else TAKE  # noqa: E731
    with Sink(script) as sink:
        delivery = delivery_to(tmp_path, MESSAGES, sink.url, auth={"type": "api_key", "apiKey": key})
        delivery.send()
    (letter,) = delivery.dead_letters()
    assert len(letter.answer) == 2000 and key not in letter.answer
    assert set(sink.tokens) == {f"Bearer {key}"}
    for path in (tmp_path / "openlineage").rglob("*"):
        assert path.is_dir() or key.encode() not in path.read_bytes()


def test_a_dead_catalog_does_not_hold_up_another(tmp_path: Path) -> None:
    clock = SetClock()
    dead = Sink()
    with Sink() as sink:
        done = delivery_to(tmp_path, MESSAGES, dead.url, sink.url, clock=clock).send(until=clock.now() + 5)
    assert [each.state for each in done] == ["waiting", "delivered"]
    require_each_once_in_order(sink.stored, MESSAGES)


def test_of_two_senders_at_once_one_sends(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def script(_number: int, _id: str) -> Behaviour:
        begun.set()
        go_on.wait(PATIENCE)
        return TAKE

    with Sink(script) as sink:
        first = threading.Thread(target=delivery_to(tmp_path, MESSAGES, sink.url, timeout=PATIENCE).send)
        first.start()
        assert begun.wait(PATIENCE)
        (second,) = delivery_to(tmp_path, MESSAGES, sink.url).send()
        go_on.set()
        first.join()
    assert (second.state, second.taken) == ("busy", 0)
    assert sink.stored == [message.id for message in MESSAGES]


@pytest.mark.parametrize("refused", [{"r0/START"}, {"r0/START", "r0a1/START"}, set()])
def test_a_probe_of_another_event_does_not_overtake_its_own_run(tmp_path: Path, refused: set[str]) -> None:
    """At first the catalog answers 500 as often as a broken event is tried, and no event was accepted before."""
    number = itertools.count()

    def script(_number: int, id_: str) -> Behaviour:
        if id_ in refused:
            return refuse(422)
        return refuse(500) if next(number) < TRIES else TAKE

    with Sink(script) as sink:
        (done,) = delivery_to(tmp_path, MESSAGES, sink.url, clock=SetClock()).send()
    assert done.state == "delivered"
    left = [message for message in MESSAGES if message.id not in refused]
    require_each_once_in_order(sink.stored, left)


@settings(max_examples=examples(25), deadline=None)
@given(data=st.data(), workers=st.sampled_from([1, 3]))
def test_law_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, workers: int
) -> None:
    kinds = [
        TAKE, refuse(500), refuse(503, "", Retry_After="3"), refuse(429), Behaviour(does="reset"),
        Behaviour(does="reset", stores=False), Behaviour(500),
    ]  # fmt: skip
    outages = data.draw(
        st.lists(st.tuples(st.integers(0, 60), st.integers(1, 12), st.sampled_from(kinds)), max_size=5)
    )
    refused = data.draw(st.sets(st.sampled_from([message.id for message in MESSAGES]), max_size=3))
    ticks = data.draw(st.integers(1, 4))

    def script(number: int, id_: str) -> Behaviour:
        for first, length, kind in outages:
            if first <= number < first + length:
                return kind
        return refuse(422) if id_ in refused else TAKE

    folder, clock = tmp_path_factory.mktemp("law"), SetClock()
    with Sink(script) as sink:
        for _ in range(ticks):
            delivery_to(folder, MESSAGES, sink.url, clock=clock, workers=workers).send(until=clock.now() + 2)
        delivery = delivery_to(folder, MESSAGES, sink.url, clock=clock, workers=workers)
        (done,) = delivery.send(again_now=True)
    aside = {letter.message for letter in delivery.dead_letters()}
    assert done.state == "delivered" and aside <= refused
    require_each_once_in_order(
        [id_ for id_ in sink.stored if id_ not in aside], [m for m in MESSAGES if m.id not in aside]
    )


def test_waits_are_spread(tmp_path: Path) -> None:
    random.seed(1)
    clocks = [SetClock(), SetClock()]
    for number, clock in enumerate(clocks):
        delivery_to(tmp_path / str(number), MESSAGES, Sink().url, clock=clock).send(until=clock.now() + 60)
    one, other = (clock.waits for clock in clocks)
    assert one != other and all(0 < wait <= 60 for wait in one + other)
