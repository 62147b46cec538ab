"""ExecutedCode: the code that functions execute, as reported by Python's own profiler."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Literal, ParamSpec, TypeVar, cast

from recsys_lineage.assets.reading import guarded_code, surroundings
from recsys_lineage.assets.reading.calling_code import WRAPPER_FILES
from recsys_lineage.assets.reading.guarded_threads import unguarded
from recsys_lineage.progress import tell

_WATCHING = {str(each.__file__) for each in (guarded_code, surroundings)}
"""Besides wrapper code, files of code that watches what an asset's code does; it makes nothing of it."""
_PROOF = str(Path(__file__).parents[1])
"""Folder of the code that runs an asset to prove something."""
_IMPORTS = "<frozen importlib"
"""Start of the file names of the code that imports modules."""
_TO_LISTENERS = (tell.__code__, logging.Logger.handle.__code__)
"""Functions that call listeners, which make nothing of the asset's result."""
_END = object()
_TEXTS = 100
"""Most texts that are told apart of those which one line gives to `exec` or `eval`."""
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Executed:
    """A piece of code that was executed.

    Attributes:
        kind: a function; a module, that is the statements at the top of a file; or a text that a function gave to
            `exec` or `eval`.
        module: the name under which its module runs; for a text, that of the function.
        file, line: the place of its first line; for a text, the place of the call.
        name: its name; for a text, that of the function.
        code: the code itself.
    """

    kind: Literal["function", "module", "text"]
    module: str
    file: str
    line: int
    name: str
    code: CodeType


class ExecutedCode:
    """The code that functions execute, in their thread and those that they start.

    Not seen are threads that native code starts, other processes, and functions written in C.

    Args:
        is_own: whether the code of a module, given by its name and its file, is to be collected.

    Attributes:
        found: what was executed, each piece of code once.
    """

    def __init__(self, is_own: Callable[[str, str], bool]) -> None:
        self._is_own = is_own
        self._owned: dict[tuple[str, str], bool] = {}
        self._known: dict[int, CodeType] = {}  # by identity: two functions with equal code are two
        self._texts: dict[tuple[str, int], set[CodeType]] = defaultdict(set)
        self._on = False
        self._collecting: int | None = None
        self.found: list[Executed] = []

    def around(self, function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        """The function, watched while it is called."""

        def observed(*args: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
            with self.watching():
                return function(*args, **named)

        return observed

    def blocks(self, made: Iterator[_Result]) -> Iterator[_Result]:
        """The iterator, watched while it makes each of its values."""
        following = self.around(lambda: next(made, _END))
        while (block := following()) is not _END:
            yield cast(_Result, block)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Collect the code that is executed inside the block."""
        before, before_in_threads = sys.getprofile(), threading.getprofile()
        self._on = True
        gc.callbacks.append(self._collects)
        threading.setprofile(self._seen)
        sys.setprofile(self._seen)
        try:
            yield
        finally:
            sys.setprofile(before)
            threading.setprofile(before_in_threads)  # type: ignore[arg-type]
            gc.callbacks.remove(self._collects)
            self._on = False

    def _collects(self, phase: str, _: dict[str, int]) -> None:
        """Take note of a garbage collection, which may run code of objects that others left."""
        self._collecting = threading.get_ident() if phase == "start" else None

    def _seen(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or id(frame.f_code) in self._known:
            return
        if not self._on:  # a thread that outlives the block
            sys.setprofile(None)
            return
        if self._collecting == threading.get_ident():
            return
        executed = _executed(frame)
        if executed is None or not self._owns(executed):
            self._known[id(frame.f_code)] = frame.f_code
        elif not _runs_for_others(frame):  # the same code may run for the asset later
            self._take(executed)

    def _take(self, executed: Executed) -> None:
        if executed.kind == "text":  # which is compiled anew each time
            texts = self._texts[executed.file, executed.line]
            if executed.code in texts or len(texts) >= _TEXTS:
                return
            texts.add(executed.code)
        else:
            self._known[id(executed.code)] = executed.code
        self.found.append(executed)

    def _owns(self, executed: Executed) -> bool:
        key = executed.module, executed.file
        if key not in self._owned:
            is_watching = executed.file in WRAPPER_FILES | _WATCHING or executed.file.startswith(_PROOF)
            with unguarded():  # a module may be looked for, which is no read of the asset
                self._owned[key] = not is_watching and self._is_own(*key)
        return self._owned[key]


def _executed(frame: FrameType) -> Executed | None:
    """The executed code of a frame; None for a text that nobody gave it."""
    code = frame.f_code
    name = getattr(code, "co_qualname", code.co_name)  # from Python 3.11 on
    module = str(frame.f_globals.get("__name__", ""))
    if code.co_name != "<module>":
        return Executed("function", module, code.co_filename, code.co_firstlineno, name, code)
    if code.co_filename.endswith(".py") and Path(code.co_filename).is_file():
        return Executed("module", module, code.co_filename, 1, name, code)
    caller = frame.f_back
    if caller is None:
        return None
    by = caller.f_code
    home = str(caller.f_globals.get("__name__", ""))
    return Executed(
        "text", home, by.co_filename, caller.f_lineno, getattr(by, "co_qualname", by.co_name), code
    )


def _runs_for_others(frame: FrameType | None) -> bool:
    """Whether code runs only because a module is imported, which counts itself, or for a listener of the progress or of
    the log."""
    inner = None
    while frame is not None and frame.f_code.co_filename != __file__:
        if frame.f_code in _TO_LISTENERS and inner is not None:
            return True
        if (
            inner is not None
            and frame.f_code.co_name == "<module>"
            and frame.f_back is not None
            and frame.f_back.f_code.co_filename.startswith(_IMPORTS)
        ):
            return True
        inner, frame = frame, frame.f_back
    return False
