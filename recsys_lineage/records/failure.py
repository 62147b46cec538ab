"""Failure: what went wrong, told without a value of any row, setting or environment variable."""

from __future__ import annotations

import dis
import re
import traceback
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from types import CodeType, TracebackType

from recsys_lineage.errors import LineageError
from recsys_lineage.records.part import RecordPart

LEFT_OUT = "…"
LONGEST_MESSAGE = 2_000
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`")
_NUMBER = re.compile(r"(?<![A-Za-z_])[-+]?\d[\d.,:eE+-]*")
_WORD = re.compile(r"\w+")
_SHORTEST_LITERAL = 3
_ENGINES = {"duckdb", "_duckdb", "polars", "pyarrow"}
"""Packages whose Python code raises what their native code says."""


@dataclass(frozen=True)
class Failure(RecordPart):
    """A failure as a record keeps it: its type, its message without values, and where in the code it happened.

    A message may quote a cell of a table. Kept of it is what stands in the code itself; the rest becomes `…`. The
    whole message goes to the terminal or the notebook that the code was started from, and nowhere else.

    Attributes:
        type: the exception's class.
        message: what the code says of it.
        stack: `file:line in function`, outermost first.
    """

    type: str
    message: str
    stack: tuple[str, ...] = ()

    @classmethod
    def of(cls, error: BaseException, code: str = "", names: Collection[str] = ()) -> Failure:
        """The failure that an exception tells of.

        Args:
            error: the exception, as it was caught.
            code: the text of the code that ran; what it quotes itself is no value.
            names: names of tables, columns and parameters that a message may contain.
        """
        known = {*names, *_WORD.findall(code)}
        frames = traceback.extract_tb(error.__traceback__)
        stack = tuple(f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
        return cls(type(error).__name__, message_without_values(error, known)[:LONGEST_MESSAGE], stack)


def message_without_values(error: BaseException, known: Collection[str] = ()) -> str:
    """An exception's message without what is not known to be part of the code."""
    if isinstance(error, LineageError):
        parts = (("expected", error.expected), ("where", error.where), ("what to do", error.advice))
        return "\n".join([error.message, *(f"{label}: {text}" for label, text in parts if text)])
    code = _raising_code(error.__traceback__)
    if code is None or type(error).__module__.split(".")[0] in _ENGINES:
        return _masked(str(error).splitlines()[0] if str(error) else "", known)
    return _only_constants(str(error), code)


def _masked(text: str, known: Collection[str]) -> str:
    """The text of an engine, whose own words stay; what it quotes and its numbers go unless they are names."""

    def quoted(match: re.Match[str]) -> str:
        words = _WORD.findall(match[0])
        return match[0] if words and all(word in known for word in words) else LEFT_OUT

    pieces: list[str] = []
    end = 0
    for match in _QUOTED.finditer(text):
        pieces += [_NUMBER.sub(LEFT_OUT, text[end : match.start()]), quoted(match)]
        end = match.end()
    return "".join([*pieces, _NUMBER.sub(LEFT_OUT, text[end:])])


def _raising_code(trace: TracebackType | None) -> CodeType | None:
    """The Python code whose `raise` made an exception; None where a library's native code did."""
    if trace is None:
        return None
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    raising = {each.offset for each in dis.get_instructions(code) if each.opname == "RAISE_VARARGS"}
    return code if trace.tb_lasti in raising else None


def _only_constants(text: str, code: CodeType) -> str:
    """Of a message made by Python code, the parts that are string constants of that code, longest first."""
    kept = [False] * len(text)
    for constant in sorted(set(_strings(code.co_consts)), key=len, reverse=True):
        start = text.find(constant) if len(constant) >= _SHORTEST_LITERAL else -1
        while start >= 0:
            kept[start : start + len(constant)] = [True] * len(constant)
            start = text.find(constant, start + len(constant))
    pieces: list[str] = []
    for character, keep in zip(text, kept, strict=True):
        if keep:
            pieces.append(character)
        elif not pieces or pieces[-1] != LEFT_OUT:
            pieces.append(LEFT_OUT)
    return "".join(pieces)


def _strings(constants: object) -> Iterator[str]:
    if isinstance(constants, str):
        yield constants
    elif isinstance(constants, tuple | frozenset):
        for constant in constants:
            yield from _strings(constant)
