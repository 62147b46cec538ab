"""Own errors: LineageErrors that this project raised, and whether they repeat what an asset's code gave."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from itertools import chain
from types import CodeType, FunctionType, TracebackType

from recsys_lineage.errors import WITHOUT_VALUES, LineageError

_WORD = re.compile(r"\w+")
_PLACE = re.compile(r"(.+?):\d+(?:, in \w+)?")


def is_own_error(error: BaseException) -> bool:
    """Whether code raised an error whose LineageErrors contain tables and places, and of values only what it was
    given."""
    frames = list(_frames(error))
    return not frames or _package(frames[-1]) in WITHOUT_VALUES


def repeats_code(error: LineageError) -> bool:
    """Whether an own error may repeat a text that an asset's code gave while it ran, such as a path made of a cell.

    That is so for a class that says so, and where other code called what raised the error.
    """
    return error.repeats_code or any(
        (package := _package(frame)) not in WITHOUT_VALUES and package not in sys.stdlib_module_names
        for frame in _frames(error)
    )


def own_words(error: LineageError) -> frozenset[str]:
    """The words in this project's modules that an error came through, in lower case; its texts consist of them."""
    texts: list[str] = []
    for frame in _frames(error):
        if _package(frame) in WITHOUT_VALUES:
            module = frame.tb_frame.f_globals
            codes = (each.__code__ for each in module.values() if isinstance(each, FunctionType))
            texts += chain(_texts((frame.tb_frame.f_code, *codes)), _texts(tuple(module.values())))
    return frozenset(word.lower() for text in texts for word in _WORD.findall(text))


def is_place_in_code(text: str, error: LineageError) -> bool:
    """Whether a text is `file:line` or `file:line, in function` of code that the error came through."""
    place = _PLACE.fullmatch(text)
    return place is not None and place[1] in {frame.tb_frame.f_code.co_filename for frame in _frames(error)}


def _frames(error: BaseException) -> Iterator[TracebackType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _package(frame: TracebackType) -> str:
    return str(frame.tb_frame.f_globals.get("__name__", "")).split(".")[0]


def _texts(values: tuple[object, ...]) -> Iterator[str]:
    """Texts among values, in tuples of them, and among the constants of functions."""
    held = [*values]
    while held:
        each = held.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, tuple | frozenset):
            held += each
        elif isinstance(each, CodeType):
            held += each.co_consts
