"""The kafka destination against a real broker that is killed and restarted in the middle."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.client_settings import ClientSettings, TransportSettings
from recsys_lineage.openlineage.delivery.delivery import Delivery
from recsys_lineage.openlineage.destinations.kafka import AT_ONCE
from recsys_lineage.openlineage.destinations.opening import opened
from recsys_lineage.openlineage.message import Message
from tests.lineage.delivery.broker import Broker, require_kafka
from tests.lineage.delivery.made_stream import MadeStream, made_messages
from tests.lineage.delivery.sink import require_each_once_in_order

TOPIC = "lineage"
MESSAGES = made_messages(100, 2)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that runs."""
    require_kafka()
    made = Broker(tmp_path_factory.mktemp("kafka"))
    made.start()
    yield made
    made.kill()


class Interrupted(MadeStream):
    """A stream in whose middle something happens, once."""

    def __init__(self, messages: list[Message], place: int, happens: threading.Thread) -> None:
        super().__init__(messages)
        self._place, self._happens = place, happens

    def after(self, cursor: int | None) -> Iterator[Message]:
        """The messages behind a cursor."""
        for number, message in enumerate(super().after(cursor)):
            if number == self._place and self._happens.ident is None:
                self._happens.start()
            yield message


def delivery_to(broker: Broker, folder: Path, stream: MadeStream, topic: str = TOPIC) -> Delivery:
    options = {"topic": topic, "config": {"bootstrap.servers": f"127.0.0.1:{broker.port}"}}
    settings = ClientSettings((TransportSettings("broker", "kafka", options, "test"),))
    return Delivery(
        Lake(str(folder / "lake"), Engine("256MB", 1)),
        stream,
        folder,
        lambda _again: opened(settings, folder),
    )


def consumed(broker: Broker, topic: str, count: int) -> list[tuple[str, str, bytes]]:
    """Key, id and content of all messages of a topic, once that many different ones are there."""
    from confluent_kafka import Consumer

    consumer = Consumer(
        {
            "bootstrap.servers": f"127.0.0.1:{broker.port}", "group.id": topic,
            "auto.offset.reset": "earliest", "enable.auto.commit": False,
        }
    )  # fmt: skip
    consumer.subscribe([topic])
    found: list[tuple[str, str, bytes]] = []
    end = time.monotonic() + 60
    while len({id_ for _, id_, _ in found}) < count and time.monotonic() < end:
        for each in consumer.consume(500, 1.0):
            key, value, headers = each.key(), each.value(), dict(each.headers() or ())
            assert each.error() is None and key is not None and value is not None
            found.append((str(key, "utf-8"), str(headers["id"], "utf-8"), bytes(value)))  # pyright: ignore
    consumer.close()
    return found


def test_a_broker_that_is_killed_and_restarted_has_each_event_in_order(
    broker: Broker, tmp_path: Path
) -> None:
    def crash() -> None:
        broker.kill()
        broker.start()

    happens = threading.Thread(target=crash)
    stream = Interrupted(MESSAGES, AT_ONCE + 10, happens)
    (done,) = delivery_to(broker, tmp_path, stream).send(until=time.time() + 240)
    happens.join()
    assert happens.ident is not None
    assert (done.state, done.taken, done.set_aside) == ("delivered", len(MESSAGES), 0)
    found = consumed(broker, TOPIC, len(MESSAGES))
    require_each_once_in_order([id_ for _, id_, _ in found], MESSAGES)
    told = {message.id: (message.key, message.body) for message in MESSAGES}
    assert all(told[id_] == (key, body) for key, id_, body in found)


def test_a_message_that_is_too_large_is_set_aside_and_no_other(broker: Broker, tmp_path: Path) -> None:
    one, middle, other = made_messages(1)[:3]
    large = Message(middle.id, middle.run, middle.key, middle.record, middle.cursor, b"x" * 2_000_000)
    delivery = delivery_to(broker, tmp_path, MadeStream([one, large, other]), "large")
    (done,) = delivery.send(until=time.time() + 120)
    assert (done.state, done.taken, done.set_aside) == ("delivered", 2, 1)
    (letter,) = delivery.dead_letters()
    assert letter.message == large.id and "MSG_SIZE_TOO_LARGE" in letter.answer
    assert [id_ for _, id_, _ in consumed(broker, "large", 2)] == [one.id, other.id]


def test_a_broker_that_is_not_there_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("confluent_kafka", reason="needs the package confluent-kafka")
    from recsys_lineage.openlineage.destinations import kafka

    monkeypatch.setitem(kafka.OURS, "message.timeout.ms", 300)
    absent = Broker.__new__(Broker)
    absent.port = 9
    (done,) = delivery_to(absent, tmp_path, MadeStream(MESSAGES)).send(until=time.time() + 0.5)
    assert done.state == "waiting" and done.set_aside == 0 and done.text
