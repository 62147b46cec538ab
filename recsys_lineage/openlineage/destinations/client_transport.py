"""TransportDestination: every other destination of the OpenLineage client, through the client's transports."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import requests
from openlineage.client import event_v2
from openlineage.client.transport import Transport

from recsys_lineage.openlineage.destinations.destination import TAKEN, Answer, without
from recsys_lineage.openlineage.destinations.http import kind_of
from recsys_lineage.openlineage.message import Message


class TransportDestination:
    """A transport of the client: a message counts as accepted once its `emit` has returned.

    Args:
        name: its name in the settings.
        transport: the client's transport.
        target: its name for people.
        secrets: texts that its errors must not show.
    """

    at_once = 1

    def __init__(self, name: str, transport: Transport, target: str, secrets: Sequence[str] = ()) -> None:
        self.name, self.target = name, target
        self._transport, self._secrets = transport, secrets

    def deliver(self, messages: Sequence[Message]) -> list[Answer | None]:
        """Emit messages; see `Destination`."""
        answers: list[Answer | None] = [None] * len(messages)
        for place, message in enumerate(messages):
            answers[place] = self._emit(message)
            if answers[place] is not TAKEN:
                break
        return answers

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()

    def _emit(self, message: Message) -> Answer:
        try:
            self._transport.emit(client_event(message.body))
        except Exception as error:  # a transport may raise what it likes
            response = error.response if isinstance(error, requests.HTTPError) else None
            if response is not None:
                return Answer(
                    kind_of(response.status_code), self._without_secrets(response.text), response.status_code
                )
            return Answer("later", self._without_secrets(f"{type(error).__name__}: {error}"))
        return TAKEN

    def _without_secrets(self, text: str) -> str:
        return without(self._secrets, text)


def client_event(body: bytes) -> event_v2.RunEvent | event_v2.DatasetEvent | event_v2.JobEvent:
    """The client's event for a message's body; facets stay JSON objects."""
    event: dict[str, Any] = json.loads(body)
    head = {"eventTime": event["eventTime"], "producer": event["producer"]}
    if "dataset" in event:
        return event_v2.DatasetEvent(dataset=event_v2.StaticDataset(**event["dataset"]), **head)
    datasets = {
        "inputs": [event_v2.InputDataset(**each) for each in event.get("inputs", ())],
        "outputs": [event_v2.OutputDataset(**each) for each in event.get("outputs", ())],
    }
    job = event_v2.Job(**event["job"])
    if "run" not in event:
        return event_v2.JobEvent(job=job, **datasets, **head)
    type_ = event_v2.RunState(event["eventType"])
    return event_v2.RunEvent(run=event_v2.Run(**event["run"]), job=job, eventType=type_, **datasets, **head)
