"""Failure: an error without any value of a row, setting or environment variable."""

from __future__ import annotations

import dis
import linecache
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, TracebackType

import duckdb

from recsys_lineage.error_text import class_of, module_of, text_of
from recsys_lineage.errors import LineageError
from recsys_lineage.records.parts.message_words import MESSAGE_WORDS
from recsys_lineage.records.parts.own_error import is_own_error, is_place_in_code, own_words, repeats_code
from recsys_lineage.records.parts.record_part import RecordPart
from recsys_lineage.records.parts.url_secrets import without_secrets

LEFT_OUT = "…"
LONGEST_MESSAGE = 2_000
_QUOTED = re.compile(r"\"[^\"]*(?:\"|$)|'[^']*(?:'|$)|`[^`]*(?:`|$)")
_NESTED = re.compile(r"\b\w+(?:Error|Exception):")
_NUMBER = re.compile(r"(?<!\w)[-+]?\d[\d.,:eE+-]*|\w*\d{4,}\w*")
_LONG_NUMBER = re.compile(r"\w*\d{4,}\w*")
"""A number that may be an id; shorter ones are counts and places."""
_WORD = re.compile(r"\w+")
_LOOKED_AT = 4_000
"""Characters of a message that are looked at; some patterns take the square of their number."""
_SHORTEST_LITERAL = 3
_DEEPEST = 50
"""Frames of a stack that are kept, from each of its ends."""
_ENGINES = {"duckdb", "_duckdb", "polars", "pyarrow"}
"""Packages whose Python code raises errors with messages of their native code."""


@dataclass(frozen=True)
class Failure(RecordPart):
    """A failure as a record stores it: its type, its message without values, and its position in the code.

    A message may quote a cell of a table. Only texts from the code itself are kept; the rest becomes `…`. Of this
    project's own errors, those that repeat what an asset's code gave are masked likewise (`own_error.py`). The whole
    message goes only to the terminal or the notebook that started the code.

    Attributes:
        type: the exception's class.
        message: the message.
        stack: `file:line in function`, outermost first.
    """

    type: str
    message: str
    stack: tuple[str, ...] = ()

    @classmethod
    def of(cls, error: BaseException, code: str = "", names: Collection[str] = ()) -> Failure:
        """The failure for an exception; nothing that the exception does keeps it from being one.

        Args:
            error: the caught exception.
            code: the text of the code that ran; its own constants are no values.
            names: names of tables, columns and parameters that a message may contain.
        """
        known = {*names, *_WORD.findall(code)}
        try:
            message = without_secrets(message_without_values(error, known))[:LONGEST_MESSAGE]
        except Exception:  # attributes of an exception can run code, too
            message = LEFT_OUT
        return cls(class_of(error), as_utf8(message), _stack(error.__traceback__))


def message_without_values(error: BaseException, known: Collection[str] = ()) -> str:
    """An exception's message with everything masked that is not known to be part of the code."""
    code, frame = _raising_code(error.__traceback__), _innermost(error.__traceback__)
    if isinstance(error, LineageError) and is_own_error(error):
        return _own_message(error, known)
    whole = text_of(error)
    if whole is None:
        return LEFT_OUT
    text = whole[:_LOOKED_AT]
    if code is not None and module_of(error).split(".")[0] not in _ENGINES:
        return _only_constants(text[:LONGEST_MESSAGE], code)
    if code is None and (isinstance(error, KeyError) or (frame is not None and _was_thrown_in(frame))):
        words = _WORD.findall(text)
        return text if words and all(word in known for word in words) else LEFT_OUT
    if isinstance(error, duckdb.InvalidInputException) and "error" in known:
        return LEFT_OUT  # the SQL function error() returns a text built by its caller
    line = (text.splitlines() or [""])[0]
    return _masked(line, known, MESSAGE_WORDS, is_whole=text == whole)


def message_about_made_text(error: BaseException, code: str = "", names: Collection[str] = ()) -> str:
    """An exception's message about a statement or a plan that Python made, which may quote a cell of a table.

    The text that it found is left out, and so is what it quotes, unless that stands in the code or among the names.
    """
    known = {*names, *_WORD.findall(code)}
    if not isinstance(error, LineageError):
        return type(error).__name__
    text = _masked((error.message.splitlines() or [""])[0], known)
    return str(LineageError(text, where=error.where, advice=_masked(error.advice or "", known)))


def _masked(
    text: str,
    known: Collection[str],
    words: Collection[str] | None = None,
    *,
    is_whole: bool = True,
    numbers: re.Pattern[str] = _NUMBER,
) -> str:
    """The message of an engine: its own words stay; quoted texts and numbers are masked unless they are names.

    A quoted value may contain quotes, so everything from the first quote that is no name to the last quote is masked.
    After a second colon, or after the name of another exception, an engine repeats a row or a message of Python code.

    Args:
        text: the message.
        known: words of the code.
        words: words that may stand outside of quotes, in lower case; all when None.
        is_whole: whether the message ends where the text does.
        numbers: the numbers that are masked.
    """

    def outside(part: str, colons: int = 1) -> str:
        shown = _outside_quotes(part, colons, numbers)
        return _WORD.sub(lambda match: _kept_word(match[0], known, words), shown)

    end = 0
    while (match := _QUOTED.search(text, end)) is not None:
        quoted = _WORD.findall(match[0])
        if not quoted or not all(word in known for word in quoted):
            last = max(text.rfind(mark) for mark in "\"'`")
            after = outside(text[last + 1 :], colons=0) if is_whole else ""
            return outside(text[: match.start()]) + LEFT_OUT + after
        end = match.end()
    return outside(text)


def _kept_word(word: str, known: Collection[str], words: Collection[str] | None) -> str:
    return word if words is None or word in known or word.lower() in words else LEFT_OUT


def _outside_quotes(text: str, colons: int, numbers: re.Pattern[str]) -> str:
    """Text outside of quotes, without some numbers, up to the start of another quoted text."""
    ends = [match.end() for match in re.finditer(r":\s", text)][colons:]
    nested = _NESTED.search(text)
    stop = min(len(text), *ends[:1], nested.end() if nested else len(text))
    return numbers.sub(LEFT_OUT, text[:stop]) + (LEFT_OUT if stop < len(text) else "")


def _own_message(error: LineageError, known: Collection[str]) -> str:
    """The message of this project's own error, with its parts; the text of another error in them is left out."""
    parts = {
        "": error.message,
        "expected: ": error.expected,
        "found: ": error.found if error.__cause__ is None else None,
        "where: ": error.where,
        "what to do: ": error.advice,
    }
    if repeats_code(error):
        words = {*MESSAGE_WORDS, *own_words(error)}
        parts |= {
            label: text
            if label == "where: " and is_place_in_code(text, error)
            else _masked(text, known, words, numbers=_LONG_NUMBER)
            for label, text in parts.items()
            if text
        }
    return "\n".join(f"{label}{text}" for label, text in parts.items() if text)


def labelled_parts(message: str) -> dict[str, str]:
    """Labelled parts of a failure's message, such as what was expected; none of another error's."""
    found: dict[str, str] = {}
    label = ""
    for line in message.splitlines():
        name, colon, text = line.partition(": ")
        if colon and name in ("expected", "found", "where", "what to do"):
            label = name
            found[label] = text
        elif label:
            found[label] += f"\n{line}"
    return found


def as_utf8(text: str) -> str:
    """A text without lone surrogates, which no file can hold."""
    return text.encode("utf-8", "replace").decode()


def _stack(trace: TracebackType | None) -> tuple[str, ...]:
    """The frames of a traceback, outermost first; of a deep one the two ends."""
    codes: list[tuple[CodeType, int | None]] = []
    while trace is not None:
        codes.append((trace.tb_frame.f_code, trace.tb_lineno))
        trace = trace.tb_next
    left_out = len(codes) - 2 * _DEEPEST
    if left_out <= 0:
        return tuple(_place(*each) for each in codes)
    ends = [_place(*each) for each in (*codes[:_DEEPEST], *codes[-_DEEPEST:])]
    return (*ends[:_DEEPEST], f"{LEFT_OUT} ({left_out} more)", *ends[_DEEPEST:])


def _place(code: CodeType, line: int | None) -> str:
    """`file:line in function`; without names that code made while it ran, which may be values."""
    if not is_written(code):
        return f"{LEFT_OUT}:{line}"
    return as_utf8(f"{code.co_filename}:{line} in {code.co_name}")


def is_written(code: CodeType) -> bool:
    """Whether code stands in a file or in a cell of a notebook, so that its names and constants are none of a row."""
    name = code.co_filename
    return name.startswith("<frozen ") or name in linecache.cache or Path(name).is_file()


def _was_thrown_in(frame: TracebackType) -> bool:
    """Whether an exception was created elsewhere and thrown into a generator."""
    names = {each.offset: each.opname for each in dis.get_instructions(frame.tb_frame.f_code)}
    return names.get(frame.tb_lasti, "") in {"YIELD_VALUE", "YIELD_FROM", "RESUME", "SEND"}


def _innermost(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace


def _raising_code(trace: TracebackType | None) -> CodeType | None:
    """The Python code that raised an exception; None if a library's native code raised it."""
    trace = _innermost(trace)
    if trace is None:
        return None
    code = trace.tb_frame.f_code
    raising = {each.offset for each in dis.get_instructions(code) if each.opname == "RAISE_VARARGS"}
    return code if trace.tb_lasti in raising else None


def _only_constants(text: str, code: CodeType) -> str:
    """Parts of a Python message that are string constants of the code, longest first."""
    if not is_written(code):
        return LEFT_OUT if text else ""
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
