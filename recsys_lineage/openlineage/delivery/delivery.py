"""Delivery: a lake's events to all destinations, each with a queue of its own.

The lake's records are the outbox: nothing is queued anywhere else, and a position marks what each destination has.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from threading import Thread
from typing import Protocol, TypeVar

from recsys_lineage.errors import InsufficientSpace, WrongQuestion, did_you_mean
from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.delivery.announced import Announced
from recsys_lineage.openlineage.delivery.dead_letters import DeadLetter, DeadLetters
from recsys_lineage.openlineage.delivery.destination_state import Delivered, DestinationState, State
from recsys_lineage.openlineage.delivery.position import DestinationBusy, Position, folder_of
from recsys_lineage.openlineage.delivery.replay import Replay
from recsys_lineage.openlineage.delivery.sender import Clock, Sender, Sent, SystemClock
from recsys_lineage.openlineage.delivery.trouble import Memory
from recsys_lineage.openlineage.destinations.destination import Answer, Destination
from recsys_lineage.openlineage.message import Message
from recsys_lineage.records.records import Records

_T = TypeVar("_T")


class MessageStream(Protocol):
    """The source of messages: all of a lake's records, in order."""

    def after(self, cursor: int | None) -> Iterator[Message]:
        """The messages after a cursor; all when None."""
        ...


@dataclass
class Delivery:
    """The delivery of one lake's events.

    Args:
        lake: the lake.
        stream: its messages.
        folder: the folder of the positions, on this machine's disk.
        open_destinations: opens the destinations; its argument says whether messages are sent again.
        clock: the source of time and waiting.
        announcements: events of definitions, which have no record; each is sent once.
        patience: seconds without an accepted message after which a destination is given up for now; never when None.
    """

    lake: Lake
    stream: MessageStream
    folder: Path
    open_destinations: Callable[[bool], Sequence[Destination]]
    clock: Clock = field(default_factory=SystemClock)
    announcements: Callable[[], Iterable[Message]] = tuple
    patience: float | None = None

    def send(
        self,
        names: Collection[str] = (),
        *,
        until: float | None = None,
        again_now: bool = False,
        progress: Callable[[str, int], None] | None = None,
    ) -> list[Delivered]:
        """Send pending messages to all destinations in parallel; an interrupted replay is finished first.

        Args:
            names: only to these destinations; to all when empty.
            until: the time to stop, in seconds of the epoch; when None, once nothing is left, however long that takes.
            again_now: try failing destinations now, instead of when their wait is over.
            progress: called with a destination and the number of messages done.

        Raises:
            WrongQuestion: there is no destination of a name.
            BadClientSettings: the settings cannot be used.
        """

        def one(destination: Destination) -> Delivered:
            report = None if progress is None else partial(progress, destination.name)
            return self._send(destination, until, again_now, report)

        return self._at_each(names, one)

    def replay(
        self,
        which: Replay | None,
        names: Collection[str] = (),
        *,
        until: float | None = None,
        progress: Callable[[str, int], None] | None = None,
    ) -> list[Delivered]:
        """Send whole runs again, in order and up to the newest delivered one, and then pending messages.

        It is stored before the first message, so that the next sender finishes an interrupted replay.

        Args:
            which: the runs; those of a destination's refused events when None.
            names, until, progress: as for `send`.

        Raises:
            WrongQuestion: there is no destination of a name, or nothing to send again.
            BadClientSettings: the settings cannot be used.
        """
        letters = self.dead_letters()
        wanted = which or Replay(records=tuple(letter.record for letter in letters))
        if next(wanted.chosen(self.stream.after(None)), None) is None:
            raise WrongQuestion(
                "There is nothing to send again.",
                expected="a run in the records, a time before the newest one, or events that were set aside",
                where=self.lake.uri,
                advice="`runs` lists the runs, `status` says how many events are set aside",
            )

        def one(destination: Destination) -> Delivered:
            own = tuple(each.record for each in letters if each.destination == destination.name)
            report = None if progress is None else partial(progress, destination.name)
            return self._send(destination, until, True, report, which or Replay(records=own))

        return self._at_each(names, one, again=True)

    def status(self) -> list[DestinationState]:
        """The state of every destination; nothing is sent.

        Raises:
            BadClientSettings: the settings cannot be used.
        """
        return self._at_each((), self._state_of)

    def dead_letters(self) -> list[DeadLetter]:
        """Open dead letters of all destinations."""
        return DeadLetters(self.lake).open()

    def _at_each(
        self, names: Collection[str], query: Callable[[Destination], _T], *, again: bool = False
    ) -> list[_T]:
        """Results of all destinations, computed in parallel, so that an unresponsive one delays no other."""
        destinations = self.open_destinations(again)
        known = [destination.name for destination in destinations]
        for name in names:
            if name not in known:
                raise WrongQuestion(
                    f"There is no destination {name!r}.",
                    expected=", ".join(known) or "none: OPENLINEAGE_DISABLED is set",
                    advice=did_you_mean(name, known) or None,
                )
        chosen = [destination for destination in destinations if not names or destination.name in names]
        answers: dict[int, _T] = {}
        faults: list[BaseException] = []

        def run_at(place: int) -> None:
            try:
                with closing(chosen[place]) as destination:
                    answers[place] = query(destination)
            except BaseException as fault:
                faults.append(fault)

        if len(chosen) == 1:
            run_at(0)
        else:
            # Daemon threads: a process that must stop does not wait for them; nothing is lost.
            threads = [Thread(target=run_at, args=(place,), daemon=True) for place in range(len(chosen))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        if faults:
            raise faults[0]
        return [answers[place] for place in range(len(chosen))]

    def _send(
        self,
        destination: Destination,
        until: float | None,
        again_now: bool,
        progress: Callable[[int], None] | None,
        replay: Replay | None = None,
    ) -> Delivered:
        folder = folder_of(self.folder, destination.name, destination.target)
        try:
            with _readable_errors(destination, folder), (position := Position(folder, self.lake)).held():
                if replay is not None:
                    replay.save(folder)
                memory = Memory.load(folder)
                if memory.trouble and memory.trouble.next_try > self.clock.now() and not again_now:
                    return _delivered(destination, Sent(trouble=memory.trouble))
                sender = Sender(
                    destination,
                    memory,
                    self._set_aside(destination),
                    _stored_last(folder, position),
                    self.clock,
                    patience=self.patience,
                    remember=partial(Memory.save, folder=folder),
                )
                try:
                    again = self._send_again(sender, folder, position, until, progress)
                    if not again.is_complete:
                        return _delivered(destination, again)
                    sent = self._send_new(sender, folder, position, until, progress)
                finally:
                    sender.memory.save(folder)
                    _store_last(folder, position, sender.taken_last)
        except DestinationBusy as busy:
            return Delivered(destination.name, destination.target, "busy", text=busy.message)
        sent.taken += again.taken
        sent.set_aside += again.set_aside
        return _delivered(destination, sent)

    def _send_new(
        self,
        sender: Sender,
        folder: Path,
        position: Position,
        until: float | None,
        progress: Callable[[int], None] | None,
    ) -> Sent:
        """Send new definitions and pending messages."""
        announced = Announced(folder)

        def done(message: Message) -> None:
            if not announced.done(message):
                position.done(message)

        try:
            messages = chain(announced.new(self.announcements()), self._pending(position))
            return sender.send(messages, done, until, progress)
        finally:
            announced.save()

    def _pending(self, position: Position) -> Iterator[Message]:
        return (message for message in self.stream.after(position.cursor) if not position.is_done(message))

    def _set_aside(self, destination: Destination) -> Callable[[Message, Answer], None]:
        def add(message: Message, answer: Answer) -> None:
            DeadLetters(self.lake).add([DeadLetter.of(destination.name, message, answer)])

        return add

    def _send_again(
        self,
        sender: Sender,
        folder: Path,
        position: Position,
        until: float | None,
        progress: Callable[[int], None] | None,
    ) -> Sent:
        """Finish the stored replay, if there is one."""
        replay = Replay.load(folder)
        if replay is None:
            return Sent(is_complete=True)
        name = sender.destination.name
        open_ = DeadLetters(self.lake).open(name)
        settled: set[str] = set()
        rest = replay

        def done(message: Message) -> None:
            nonlocal rest
            rest = rest.rest_after(message)
            settled.update(each.message for each in open_ if each.is_repeated_by(message))

        first_pending = next(self._pending(position), None)
        chosen = replay.chosen(self.stream.after(None), first_pending and first_pending.id)
        refused = DeadLetters(self.lake)
        try:
            sent = sender.send(chosen, done, until, progress)
        finally:
            rest.save(folder)
            again = {each.message for each in refused.open(name) if each not in open_}
            refused.settle(name, settled - again)
        if sent.is_complete:
            Replay.forget(folder)
        return sent

    def _state_of(self, destination: Destination) -> DestinationState:
        folder = folder_of(self.folder, destination.name, destination.target)
        with _readable_errors(destination, folder):
            position, memory = Position(folder, self.lake), Memory.load(folder)
            announced = Announced(folder)
        pending, _ = Records(self.lake).table(position.cursor, ["id"])
        trouble = memory.trouble
        return DestinationState(
            destination=destination.name,
            target=destination.target,
            done=position.count + announced.count,
            pending=pending.height,
            dead_letters=len(DeadLetters(self.lake).open(destination.name)),
            taken=memory.taken,
            trouble=trouble.text if trouble else "",
            closed=trouble is not None and trouble.closed,
            since=trouble.since if trouble else None,
            retry_at=trouble.next_try if trouble else None,
        )


@contextmanager
def _readable_errors(destination: Destination, folder: Path) -> Iterator[None]:
    """Convert errors of a folder inside the block to messages for people."""
    try:
        yield
    except OSError as error:
        raise InsufficientSpace(
            f"What the destination {destination.name!r} has so far cannot be kept.",
            expected="a folder that can be written to",
            found=error.strerror,
            where=error.filename or str(folder),
            advice="free space, or fix the folder's permissions; nothing is lost",
        ) from error


def _delivered(destination: Destination, sent: Sent) -> Delivered:
    trouble = sent.trouble
    state: State = "delivered" if sent.is_complete else "more"
    if trouble is not None:
        state = "closed" if trouble.closed else "waiting"
    return Delivered(
        destination=destination.name,
        target=destination.target,
        state=state,
        taken=sent.taken,
        set_aside=sent.set_aside,
        text=trouble.text if trouble else "",
        retry_at=trouble.next_try if trouble else None,
    )


def _store_last(folder: Path, position: Position, message: Message | None) -> None:
    """Store the last accepted message, with which the next sender probes the destination."""
    if message is not None:
        stored = {"done": position.last, "message": asdict(message) | {"body": message.body.decode()}}
        draft = folder / "last.draft"
        draft.write_text(json.dumps(stored))
        os.replace(draft, folder / "last.json")


def _stored_last(folder: Path, position: Position) -> Message | None:
    """The last accepted message; None if a later one may have been accepted, because an older one must not be sent."""
    try:
        stored = json.loads((folder / "last.json").read_bytes())
        message = Message(**stored["message"] | {"body": stored["message"]["body"].encode()})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    return message if stored["done"] == position.last else None
