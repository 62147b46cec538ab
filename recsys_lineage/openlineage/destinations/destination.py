"""Destination: where events are sent, and what it answered to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from recsys_lineage.openlineage.message import Message

MOST_OF_AN_ANSWER = 2_000
"""Characters that are kept of what a destination answered."""


@dataclass(frozen=True)
class Answer:
    """Answer of a destination to one message.

    Attributes:
        kind: `taken`: it is there for good; `refused`: this message will never be taken; `later`: not now, for a reason
            that may pass; `closed`: nothing is taken until the settings are mended (a wrong token, a wrong path).
        text: what was answered, or what went wrong on the way; without secrets, at most `MOST_OF_AN_ANSWER` characters.
        status: of HTTP; None where there was no answer.
        wait: seconds that the destination asked to wait.
    """

    kind: Literal["taken", "refused", "later", "closed"]
    text: str = ""
    status: int | None = None
    wait: float | None = None

    def __str__(self) -> str:
        status = "" if self.status is None else f"answer {self.status}"
        return ": ".join(part for part in (status, " ".join(self.text.split())) if part) or self.kind


TAKEN = Answer("taken")


class Destination(Protocol):
    """One place that takes events, such as a catalog, a topic or a file."""

    @property
    def name(self) -> str:
        """Name of the destination in the settings."""
        ...

    @property
    def target(self) -> str:
        """Its URL, topic or path, as people may see it: without secrets. Another target is another destination."""
        ...

    @property
    def at_once(self) -> int:
        """Maximum number of messages for one call of `deliver`."""
        ...

    def deliver(self, messages: Sequence[Message]) -> list[Answer | None]:
        """Send messages, those of one key in their order.

        Returns:
            For each message its answer; None where it was not sent because one before it was not taken.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


def without(secrets: Sequence[str], text: str) -> str:
    """A text in which secrets are blotted out, cut to `MOST_OF_AN_ANSWER` characters."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text[:MOST_OF_AN_ANSWER]
