"""Events come one by one, exactly as they were given; what is broken is named and costs no other event."""

import io
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.openlineage.delivery.event_lines import DEEPEST, EventLine, events_of, read_events
from tests.examples import examples
from tests.lineage.openlineage.written import Event, lines, night

_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_events = st.lists(st.dictionaries(st.text(), _values, max_size=4), max_size=5)


def _read(body: bytes, most: int = 2**20) -> list[EventLine]:
    return list(read_events(io.BytesIO(body), most))


@settings(max_examples=examples(30), deadline=None)
@given(_events, st.sampled_from([None, 2]))
def test_lines_a_list_and_a_laid_out_document_give_the_same_events(events: list[Event], indent: int) -> None:
    as_lines = _read(lines(events))
    as_list = _read(json.dumps(events, indent=indent).encode())
    assert [line.event for line in as_lines] == [line.event for line in as_list] == events
    assert [json.loads(line.body) for line in as_list] == events
    assert [line.line for line in as_lines] == list(range(1, len(events) + 1))


def test_bodies_are_the_bytes_that_were_given() -> None:
    odd = b'{ "a" : 1.50, "b":"\\u00e9",  "a":2}'
    assert [line.body for line in _read(odd + b"\n\n  " + odd + b"  \n")] == [odd, odd]
    assert [line.body for line in _read(b"[" + odd + b" ,\n" + odd + b"]")] == [odd, odd]


@pytest.mark.parametrize(
    "broken",
    [
        b'{"eventType": "START", "run": {"runI',
        b'{"a": "\xff"}',
        b'{"a": NaN}',
        b'{"a": "\\ud800"}',
        b"7",
        b'{"a": 1} {"b": 2}',
        b'{"a": 1' + b"0" * 5_000 + b"}",
        b'{"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"a": "' + b"x" * 2**20 + b'"}',
        b"[[",
    ],
)
def test_a_broken_line_is_named_and_the_lines_around_it_are_read(broken: bytes) -> None:
    before, after = {"n": 1}, {"n": 2}
    first, fault, last = _read(lines([before]) + broken + b"\n" + lines([after]))
    assert (first.event, last.event) == (before, after)
    assert (fault.line, last.line) == (2, 3)
    assert fault.event is None and fault.fault is not None and str(fault.fault)


def test_of_a_list_that_is_cut_off_the_events_before_are_read() -> None:
    whole, cut = events_of(b'[{"n": 1}, {"n": ')
    assert whole.event == {"n": 1}
    assert cut.event is None and "cut off" in str(cut.fault)


@given(st.integers(1, 4 * DEEPEST))
def test_depth_is_counted_outside_of_texts(depth: int) -> None:
    deep = b'{"a": ' * depth + b'"[[[\\"[["' + b"}" * depth
    (line,) = events_of(deep)
    assert (line.event is None) == (depth > DEEPEST)


def test_memory_does_not_grow_with_the_stream() -> None:
    block = lines(night()) * 50

    class Endless(io.RawIOBase):
        """Gives the same events again and again."""

        left = 20

        def readable(self) -> bool:
            return True

        def readinto(self, buffer) -> int:  # pyright: ignore[reportIncompatibleMethodOverride, reportMissingParameterType]
            if not self.left:
                return 0
            size = min(len(buffer), len(self.rest))
            buffer[:size], self.rest = self.rest[:size], self.rest[size:]
            if not self.rest:
                self.rest, self.left = block, self.left - 1
            return size

        rest = block

    tracemalloc.start()
    try:
        count = sum(line.event is not None for line in read_events(io.BufferedReader(Endless())))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20 * 50 * 8
    assert peak < 3 * 2**20
