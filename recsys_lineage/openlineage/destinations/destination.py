"""Destination: a receiver of events, with its answer to each event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from recsys_lineage.openlineage.message import Message

MOST_OF_AN_ANSWER = 2_000
"""The most characters kept of a destination's answer."""


@dataclass(frozen=True)
class Answer:
    """Answer of a destination to one message.

    Attributes:
        kind: `taken`: it is stored durably; `refused`: this message will never be accepted; `later`: a transient
            failure; `closed`: nothing is accepted until the settings are corrected (a wrong token, a wrong path).
        text: the answer, or the error on the way; without secrets, at most `MOST_OF_AN_ANSWER` characters.
        status: the HTTP status; None where there was no answer.
        wait: the seconds that the destination requests to wait.
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
    """One receiver of events, such as a catalog, a topic or a file."""

    @property
    def name(self) -> str:
        """Name of the destination in the settings."""
        ...

    @property
    def target(self) -> str:
        """Its URL, topic or path for people, without secrets. Another target is another destination."""
        ...

    @property
    def at_once(self) -> int:
        """Maximum number of messages for one call of `deliver`."""
        ...

    def deliver(self, messages: Sequence[Message]) -> list[Answer | None]:
        """Send messages, keeping the order of those with the same key.

        Returns:
            The answer to each message; None where it was not sent because an earlier one was not accepted.
        """
        ...

    def close(self) -> None:
        """Close connections and files."""
        ...


def without(secrets: Sequence[str], text: str) -> str:
    """A text with secrets masked, cut to `MOST_OF_AN_ANSWER` characters."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text[:MOST_OF_AN_ANSWER]
