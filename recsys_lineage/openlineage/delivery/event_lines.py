"""EventLines: events of a file, a pipe or a request, one at a time, each with its line and exact text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn

import numpy as np

from recsys_lineage.errors import LineageError

MOST_BYTES = 16 * 2**20
"""The most bytes of a line or a document; a table of 10,000 columns with their lineage takes a third of it."""
DEEPEST = 100
"""The deepest nesting of objects and lists; nested types of wide tables reach about twenty."""
_AT_ONCE = 2**16
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
_SPACE = re.compile(r"[ \t\r\n]*")


class BrokenEvent(LineageError):
    """An event that cannot be read: no JSON object, too large or too deep."""


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event as received, or the fault found in its place.

    Attributes:
        line: its first line, counted from 1.
        body: its text, unchanged; only the start of it if it is too large.
        event: the parsed text; None where it is broken.
        fault: its fault, None where there is none.
        is_complete: whether the fault is limited to this event, so that reading continues after it.
    """

    line: int
    body: bytes
    event: dict[str, Any] | None
    fault: BrokenEvent | None = None
    is_complete: bool = True


def read_events(stream: BinaryIO, most_bytes: int = MOST_BYTES) -> Iterator[EventLine]:
    """The events of a stream, read lazily and in bounded memory.

    There is one event per line, or a list of several; a document over several lines is read too.

    Args:
        stream: a stream of UTF-8.
        most_bytes: the most bytes of a line, or of a document of several lines.
    """
    number, is_first = 0, True
    while line := stream.readline(most_bytes + 1):
        number += 1
        if len(line) > most_bytes:
            yield EventLine(number, line[:_AT_ONCE], None, _too_large(most_bytes))
            while line and not line.endswith(b"\n"):
                line = stream.readline(_AT_ONCE)
            continue
        if not line.strip():
            continue
        if is_first and _is_begun(line):
            rest = stream.read(most_bytes + 1 - len(line))
            if len(line) + len(rest) > most_bytes:
                yield EventLine(number, line, None, _too_large(most_bytes))
                return
            yield from events_of(line + rest, number)
            return
        is_first = False
        yield from events_of(line, number)


def events_of(body: bytes, line: int = 1) -> Iterator[EventLine]:
    """The event or the list of events in a text, including those before a fault.

    Args:
        body: JSON in UTF-8.
        line: its first line.
    """
    try:
        require_shallow(body)
        text = body.decode()
        start = _after_space(text, 0)
        if text[start : start + 1] != "[":
            event, end = _decoded(text, start)
            if _after_space(text, end) != len(text):
                _broken(text, _after_space(text, end), "more after its end")
            yield _event_line(text, start, end, event, line)
            return
        yield from _events_of_list(text, start, line)
    except UnicodeDecodeError as error:
        fault = BrokenEvent(
            "The text is not UTF-8.", expected="JSON in UTF-8", where=f"byte {error.start + 1}"
        )
        yield EventLine(line, body, None, fault, is_complete=False)
    except BrokenEvent as fault:
        yield EventLine(line, body, None, fault, is_complete=False)


def require_shallow(body: bytes, deepest: int = DEEPEST) -> None:
    """Require that JSON is not nested so deeply that parsing it would exhaust the stack.

    Raises:
        BrokenEvent: it is.
    """
    if body.count(b"{") + body.count(b"[") <= deepest:
        return
    marks = np.frombuffer(_STRING.sub(b"", body), np.uint8)
    opened = (marks == ord("{")) | (marks == ord("["))
    closed = (marks == ord("}")) | (marks == ord("]"))
    depth = int(np.cumsum(opened.astype(np.int32) - closed.astype(np.int32)).max(initial=0))
    if depth > deepest:
        raise BrokenEvent(
            "The JSON is nested too deeply.",
            expected=f"at most {deepest} objects and lists inside each other",
            found=f"{depth:,}",
        )


def _events_of_list(text: str, start: int, line: int) -> Iterator[EventLine]:
    place = _after_space(text, start + 1)
    if text[place : place + 1] == "]":
        return
    while True:
        event, end = _decoded(text, place)
        yield _event_line(text, place, end, event, line)
        place = _after_space(text, end)
        mark, place = text[place : place + 1], _after_space(text, place + 1)
        if mark == "]":
            if place != len(text):
                _broken(text, place, "more after the end of the list")
            return
        if mark != ",":
            _broken(text, place, "no comma and no end of the list" if mark else "the end of the text")


def _event_line(text: str, start: int, end: int, event: Any, line: int) -> EventLine:
    body, line = text[start:end].encode(), line + text.count("\n", 0, start)
    if not isinstance(event, dict):
        found = type(event).__name__
        return EventLine(
            line, body, None, BrokenEvent("This is not an event.", expected="an object", found=found)
        )
    if _HALF_CHARACTER.search(body):
        try:
            json.dumps(event, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            fault = BrokenEvent("A text holds half a character.", expected="pairs of \\ud8… and \\udc…")
            return EventLine(line, body, None, fault)
    return EventLine(line, body, event)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_number)


def _decoded(text: str, start: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        is_cut = not text[error.pos :].strip() or error.msg.startswith("Unterminated")
        _broken(text, error.pos, "the end of the text: it is cut off" if is_cut else error.msg, error)
    except (ValueError, RecursionError) as error:
        _broken(text, start, str(error), error)


def _broken(text: str, place: int, found: str, cause: Exception | None = None) -> NoReturn:
    line, column = text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)
    raise BrokenEvent(
        "The text is no JSON.", expected="one event, or a list of events", found=found,
        where=f"line {line}, column {column} of the text",
    ) from cause  # fmt: skip


def _too_large(most_bytes: int) -> BrokenEvent:
    return BrokenEvent(
        "The event is too large.",
        expected=f"at most {most_bytes:,} bytes",
        advice="write one event per line, and the columns of big tables in fewer facets",
    )


def _is_begun(line: bytes) -> bool:
    """Whether a line is only the start of a document, and not one of many events that was cut off."""
    line = line.strip()
    bare = _STRING.sub(b"", line)
    return line == b"{" or (line.startswith(b"[") and bare.count(b"[") > bare.count(b"]"))


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return place if found is None else found.end()
