"""Activity: actions of customers known to the service, and the ids of events already counted."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from recsys_assets.service.answers.known_histories import Action

RECENT = 200
"""Number of a customer's latest events that are kept in memory; the log has all."""
BEHAVIOURS = ("view", "cart", "purchase")
"""Actions that change a customer's recommendations."""

NEEDED = ("event_id", "action_name", "object_id", "time")
"""Keys of a logged event that are read."""


class Activity:
    """Events of customers and anonymous visitors, held in memory and rebuilt from the log at every start."""

    def __init__(self) -> None:
        self._actions: dict[str, deque[Action]] = {}
        self._counted: set[bytes] = set()
        self._claimed: set[bytes] = set()

    @classmethod
    def replayed(cls, events: Iterable[Mapping[str, Any]]) -> Activity:
        """The activity rebuilt from a log of events."""
        activity = cls()
        for event in events:
            activity.count(event)
        return activity

    @property
    def events(self) -> int:
        """Number of events counted."""
        return len(self._counted)

    def claim(self, event_id: str) -> bool:
        """Reserve the id of an event about to be written; False if it was already counted or reserved."""
        key = _key(event_id)
        if key in self._counted or key in self._claimed:
            return False
        self._claimed.add(key)
        return True

    def give_back(self, event_id: str) -> None:
        """Release the id of an event that could not be written."""
        self._claimed.discard(_key(event_id))

    def count(self, event: Mapping[str, Any]) -> bool:
        """Count a written event, effective in the next answer; False if its id was already counted."""
        key = _key(event["event_id"])
        self._claimed.discard(key)
        if key in self._counted:
            return False
        self._counted.add(key)
        if event["action_name"] in BEHAVIOURS:
            action = Action(event["object_id"], event["action_name"], event["time"])
            for whom in activity_keys(event.get("user"), event.get("client_id")):
                self._actions.setdefault(whom, deque(maxlen=RECENT)).append(action)
        return True

    def of(self, user: str | None, client: str | None) -> list[Action]:
        """Events of a customer, or of a client's anonymous visitor, oldest first."""
        key = next(iter(activity_keys(user, client)), None)
        return list(self._actions.get(key, ())) if key is not None else []


def activity_keys(user: str | None, client: str | None) -> list[str]:
    """Keys of somebody's activity; a customer's is not shared with a visitor who later uses the same client."""
    if user is not None:
        return [f"user:{user}"]
    return [] if client is None else [f"client:{client}"]


def _key(event_id: str) -> bytes:
    return hashlib.blake2b(event_id.encode(), digest_size=16).digest()
