"""KafkaDestination: a topic, keyed so that the events of one job stay in one partition and in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from recsys_lineage.openlineage.destinations.destination import TAKEN, Answer, without
from recsys_lineage.openlineage.message import Message

if TYPE_CHECKING:
    from confluent_kafka import Producer

AT_ONCE = 200
SECONDS = 30.0
"""Seconds to wait for the broker's confirmation."""
_REFUSED = frozenset({"MSG_SIZE_TOO_LARGE", "INVALID_MSG", "INVALID_RECORD"})
_CLOSED = frozenset(
    {"_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED", "TOPIC_AUTHORIZATION_FAILED", "TOPIC_EXCEPTION", "_SSL"}
)
_SECRET_WORDS = ("password", "secret", "token", "sasl.username", "ssl.key.pem")
OURS = {
    "enable.idempotence": True,
    "acks": "all",
    "linger.ms": 5,
    "message.timeout.ms": int(SECONDS * 1000),
    "log_level": 0,
}
"""The producer's defaults, which the user's settings may override: in order, and confirmed by all replicas."""


class KafkaDestination:
    """A Kafka topic; a message counts as accepted once the broker has confirmed it.

    Each message has the header `id`, by which a reader recognises duplicates.

    Args:
        name: its name in the settings.
        topic: the topic.
        config: the configuration of librdkafka's producer from the client's settings.
        make: creates a producer.
    """

    def __init__(self, name: str, topic: str, config: dict[str, Any], make: Callable[[], Producer]) -> None:
        self.name, self.topic = name, topic
        self.target = f"{config.get('bootstrap.servers', '?')}/{topic}"
        self.at_once = AT_ONCE
        self._make = make
        self._producer: Producer | None = None
        self._secrets = [
            str(value) for key, value in config.items() if any(word in key for word in _SECRET_WORDS)
        ]

    def deliver(self, messages: Sequence[Message]) -> list[Answer | None]:
        """Produce messages and wait until they are confirmed; see `Destination`."""
        from confluent_kafka import KafkaException

        answers: list[Answer | None] = [None] * len(messages)
        place = 0
        try:
            producer = self._producer = self._producer or self._make()
            for place, message in enumerate(messages):
                producer.produce(
                    self.topic,
                    key=message.key.encode(),
                    value=message.body,
                    headers=[("id", message.id.encode())],
                    on_delivery=self._noting(answers, place),
                )
        except (KafkaException, BufferError) as error:  # the client's own refusal of this one
            answers[place] = self._answer(error.args[0] if error.args else error)
        end = time.monotonic() + SECONDS + 5
        while self._producer is not None and self._producer.flush(0.5) and time.monotonic() < end:
            pass
        first = next((place for place, answer in enumerate(answers) if answer != TAKEN), len(messages))
        if first < len(messages):
            # What is still under way must not arrive behind what is sent next; of one key, what came behind a message
            # that failed is sent again behind it.
            self._give_up()
            answers[first] = answers[first] or Answer("later", "no confirmation in time")
            answers[first + 1 :] = [None] * (len(messages) - first - 1)
        return answers

    def close(self) -> None:
        """Close the connections; everything is confirmed or abandoned by then."""
        self._give_up()

    def _noting(self, answers: list[Answer | None], place: int) -> Callable[[Any, Any], None]:
        def note(error: Any, _message: Any) -> None:
            answers[place] = TAKEN if error is None else self._answer(error)

        return note

    def _answer(self, error: Any) -> Answer:
        name = error.name() if hasattr(error, "name") else ""
        kind = "refused" if name in _REFUSED else "closed" if name in _CLOSED else "later"
        message = error.str() if hasattr(error, "str") else str(error)
        return Answer(kind, without(self._secrets, f"{name}: {message}".removeprefix(": ")))

    def _give_up(self) -> None:
        if self._producer is not None:
            self._producer.purge()
            self._producer.flush(1.0)
            self._producer = None
