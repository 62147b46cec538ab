"""Sender: sends one destination its messages in order, with retries and a dead-letter rule.

Transient failures (no connection, no answer, 429, most of 5xx) are retried with growing waits. Messages that will never
be accepted are set aside, so that they block nothing: a message that is refused (4xx), and one that alone fails
repeatedly while others are accepted, because catalogs also answer 500 to permanently broken messages. To find out
whether others are accepted, the last accepted message is sent once more, which changes nothing there, or else the first
one of another run. So a destination that is down for any time loses nothing, and order is kept.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from recsys_lineage.openlineage.delivery.trouble import Memory, Trouble
from recsys_lineage.openlineage.destinations.destination import Answer, Destination
from recsys_lineage.openlineage.message import Message

TRIES = 5
"""Times that a message is tried before the destination is probed with another one."""
MOST_FAILURES_ALONE = 5
"""Times that a message must fail, each time just before another one is accepted, to be set aside."""
MOST_REFUSED_IN_A_ROW = 25
"""Refused messages in a row after which none is set aside any more, because the fault is the destination's."""
_PROBED_AHEAD = 100
"""Messages among which one of another key is looked for."""
_QUICK = 1.0
"""Seconds within which a whole batch is answered; a batch that was handed over cannot be stopped at the time limit."""
_FIRST_WAIT, _LONGEST_WAIT, _LONGEST_REQUESTED = 0.5, 60.0, 3_600.0


class Clock(Protocol):
    """Source of the current time, and of waiting."""

    def now(self) -> float:
        """Seconds of the epoch."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds of the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass
class Sent:
    """Result of sending.

    Attributes:
        taken: the number of accepted messages.
        set_aside: the number of refused messages.
        trouble: the reason why it stopped; None where it did not.
        is_complete: whether nothing is left to send.
    """

    taken: int = 0
    set_aside: int = 0
    trouble: Trouble | None = None
    is_complete: bool = False


@dataclass
class Sender:
    """Sender of messages to one destination.

    Args:
        destination: the destination.
        memory: the state left by the previous sender; `memory` afterwards is for the next one.
        set_aside: stores a refused message durably, before it counts as completed.
        taken_last: the last accepted message, if known.
        clock: the source of time and waiting.
        chance: returns random numbers between 0 and 1, for the jitter of waits.
        patience: seconds without an accepted message after which it gives up for now; never when None.
        remember: called with `memory` at every failure, so that others see it while this one waits.
    """

    destination: Destination
    memory: Memory
    set_aside: Callable[[Message, Answer], None]
    taken_last: Message | None = None
    clock: Clock = field(default_factory=SystemClock)
    chance: Callable[[], float] = random.random
    patience: float | None = None
    remember: Callable[[Memory], None] = lambda _memory: None
    _stuck_at: float | None = field(default=None, init=False)

    def send(
        self,
        messages: Iterator[Message],
        done: Callable[[Message], None],
        until: float | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Sent:
        """Send messages until there are no more, or the destination accepts none for now.

        Args:
            messages: in order; at most one batch of the destination is held in memory.
            done: called with each accepted or set aside message, in order and at once.
            until: the time to stop, in seconds of the epoch; a longer wait is not begun, but a pending answer is waited
                for. Never when None.
            progress: called with the number completed so far.
        """
        sent = Sent()
        ahead = _Ahead(messages)
        size = 1
        while True:
            if until is not None and self.clock.now() >= until:
                sent.trouble = self.memory.trouble
                sent.is_complete = sent.trouble is None and not ahead.peek(1)
                return sent
            # In trouble one at a time, so that an event that is broken is known.
            batch = ahead.peek(1 if self.memory.trouble else size)
            if not batch:
                sent.is_complete = True
                return sent
            began = self.clock.now()
            answer = self._deliver(batch, ahead, done, sent)
            size = min(_next_size(size, self.clock.now() - began), self.destination.at_once)
            if progress is not None:
                progress(sent.taken + sent.set_aside)
            if answer is not None and not self._cope(answer, ahead, done, sent, until):
                sent.trouble = self.memory.trouble
                return sent

    def _deliver(
        self, batch: list[Message], ahead: _Ahead, done: Callable[[Message], None], sent: Sent
    ) -> Answer | None:
        """Send some messages; returns the answer to the first that was not accepted, None if all were."""
        if batch[0].body:
            each_once = {message.id: message for message in batch}.values()
            unsent = [message for message in each_once if message.body and message.id not in ahead.taken]
            answers = zip(unsent, self.destination.deliver(unsent), strict=True)
            answered = {message.id: answer for message, answer in answers if answer is not None}
        else:
            answered = {batch[0].id: Answer("refused", batch[0].fault or "it has no content")}
        taken = [
            message for message in batch if (found := answered.get(message.id)) and found.kind == "taken"
        ]
        if taken:
            ahead.taken |= {message.id for message in taken}
            # The newest of its key, for of one key nothing is sent before what stands before it was taken.
            self.taken_last = taken[-1]
            self.memory = Memory(taken=self.clock.now())
            self._stuck_at = None
        known = frozenset(ahead.taken)  # of a message that comes twice both count
        for message in batch:
            if message.id not in known:
                return answered.get(message.id)
            ahead.take()
            done(message)
            sent.taken += 1
        return None

    def _cope(
        self,
        answer: Answer,
        ahead: _Ahead,
        done: Callable[[Message], None],
        sent: Sent,
        until: float | None,
    ) -> bool:
        """Handle the answer to the first message; returns whether sending continues."""
        (message,) = ahead.peek(1)
        now = self.clock.now()
        before = self.memory.trouble or Trouble("", now, 0, message.id, now)
        trouble = before.again(message.id, str(answer), now, closed=answer.kind == "closed")
        if not message.body or (answer.kind == "refused" and self._takes_others(ahead)):
            self._put_aside(message, answer, ahead, done, sent)
            return True
        # An answer with a time for the next try means that the event is not at fault.
        if answer.kind == "later" and answer.wait is None and answer.status != 429 and trouble.tries >= TRIES:
            alone = trouble.alone + 1 if self._takes(ahead) else 0
            trouble = replace(trouble, alone=alone)
            if alone >= MOST_FAILURES_ALONE:
                self._put_aside(message, answer, ahead, done, sent)
                return True
        wait = self._wait(trouble, answer)
        now = self.clock.now()
        self.memory = replace(self.memory, trouble=replace(trouble, next_try=now + wait))
        self.remember(self.memory)
        if self._stuck_at is None:
            self._stuck_at = now
        ends = [until, None if self.patience is None else self._stuck_at + self.patience]
        if answer.kind != "later" or any(end is not None and now + wait > end for end in ends):
            return False
        self.clock.sleep(wait)
        return True

    def _put_aside(
        self, message: Message, answer: Answer, ahead: _Ahead, done: Callable[[Message], None], sent: Sent
    ) -> None:
        self.set_aside(message, answer)
        ahead.take()
        done(message)
        sent.set_aside += 1
        refused = self.memory.refused_in_a_row + (1 if message.body else 0)
        self.memory = replace(self.memory, trouble=None, refused_in_a_row=refused)

    def _takes_others(self, ahead: _Ahead) -> bool:
        """Whether refused messages may be set aside, which ends after a long series of refusals."""
        return self.memory.refused_in_a_row < MOST_REFUSED_IN_A_ROW or self._takes(ahead)

    def _takes(self, ahead: _Ahead) -> bool:
        """Whether the destination accepts another message right now.

        The other message is the last accepted one; if none is known, the first one of another key, which is sent again
        in its turn. One of the same key must not be accepted before this one, so if there are no others nobody knows.
        """
        other = self.taken_last
        if other is None:
            waiting = ahead.peek(_PROBED_AHEAD)
            firsts = {message.key: message for message in reversed(waiting)}
            others = (each for key, each in firsts.items() if key != waiting[0].key and each.body)
            other = min(others, key=waiting.index, default=None)
            if other is None:
                return False
        (answer,) = self.destination.deliver([other])
        taken = answer is not None and answer.kind == "taken"
        if taken:
            self.taken_last = other
        return taken

    def _wait(self, trouble: Trouble, answer: Answer) -> float:
        times = trouble.alone or trouble.tries
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(times - 1, 16))
        return max(longest * (0.5 + 0.5 * self.chance()), min(answer.wait or 0.0, _LONGEST_REQUESTED))


def _next_size(size: int, seconds: float) -> int:
    """Number of messages for the next call, from the number and duration of the last one."""
    if seconds >= _QUICK:
        return 1
    return 2 * size if seconds < _QUICK / 2 else size


class _Ahead:
    """Messages read ahead and not yet completed; `taken` has the ids of those accepted already."""

    def __init__(self, messages: Iterator[Message]) -> None:
        self._messages = messages
        self._held: list[Message] = []
        self.taken: set[str] = set()

    def peek(self, count: int) -> list[Message]:
        """The next messages, up to a maximum."""
        while len(self._held) < count and (message := next(self._messages, None)) is not None:
            self._held.append(message)
        return self._held[:count]

    def take(self) -> None:
        """Remove the first message."""
        self.taken.discard(self._held.pop(0).id)
