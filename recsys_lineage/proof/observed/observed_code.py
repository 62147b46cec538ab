"""ObservedCode: compares the code that an asset executes with the code that its version covers."""

from __future__ import annotations
import __future__

import linecache
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import CodeType
from typing import Any

import polars as pl

from recsys_lineage.assets.asset_code import AssetCode, Output, Request, Unchanged
from recsys_lineage.assets.code.covered_code import CoveredCode
from recsys_lineage.assets.code.installed import is_loose
from recsys_lineage.assets.code.reachable_code import Codebase, Definition
from recsys_lineage.assets.code.syntax.module_source import ModuleSource
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.proof.observed.executed_code import Executed, ExecutedCode

_FEATURES = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)


@dataclass(frozen=True)
class CodeProof:
    """Result of comparing the project's own code that ran for an asset with what its code version covers.

    Attributes:
        asset: the asset.
        executed: the number of functions that ran.
        uncovered: functions and modules that ran and that the code version does not cover, with their places.
    """

    asset: str
    executed: int
    uncovered: tuple[str, ...] = ()

    @property
    def true(self) -> bool:
        """Whether the code version covers every function that ran."""
        return not self.uncovered

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {**asdict(self), "true": self.true}

    def report(self) -> str:
        """A line of figures, then each piece of code that is not covered, one a line, and what to do."""
        lines = [f"{self.asset}: {self.executed} functions of the project's own code ran"]
        lines += [f"ran, not covered by the code version: {each}" for each in self.uncovered]
        if self.uncovered:
            lines.append(
                f"A change of it would not make {self.asset} stale. Import it by its name where it is used, or pass "
                "it as a parameter."
            )
        return "\n".join(lines)


class ObservedCode:
    """Observer of the code that one asset executes.

    Args:
        asset: the asset; one whose covered code is not known is not observed.

    Attributes:
        executed: the code that it executed so far.

    Raises:
        LineageError: the code has no source.
    """

    def __init__(self, asset: AssetCode) -> None:
        self._asset = asset
        self._codebase, self._roots = (asset.covers or CoveredCode(None)).codebase()
        self.executed = ExecutedCode(self._is_own)
        self._has_run = False

    def watched(self, *, once: bool = False) -> AssetCode:
        """The asset with watched code; with that of the first run alone if `once`."""
        if self._asset.covers is None:
            return self._asset

        def compute(inputs: Inputs, request: Request) -> Output | Unchanged:
            if once and self._has_run:
                return self._asset.compute(inputs, request)
            self._has_run = True
            output = self.executed.around(self._asset.compute)(inputs, request)
            if not isinstance(output, Output):
                return output
            if isinstance(output.data, Iterator):
                return replace(output, data=self.executed.blocks(output.data))
            if once and isinstance(output.data, pl.LazyFrame):  # a sample, which is small
                return replace(output, data=self.executed.around(output.data.collect)())
            return output

        return replace(self._asset, compute=compute)

    def proof(self) -> tuple[CodeProof | None, tuple[str, ...]]:
        """The result of the comparison, None where the asset was not run; and what could not be compared, and why."""
        found = self.executed.found
        if not self._has_run:
            return None, ()
        covered = _Covered(self._codebase, self._roots)
        uncovered = [each for each in found if each.kind != "text" and not covered.has(each)]
        unknown = [each for each in uncovered if _has_no_source(each)]
        known = [each for each in uncovered if each not in unknown]
        texts = [each for each in found if each.kind == "text"] or unknown
        places = sorted({f"{each.file}:{each.line}, in {each.name}" for each in covered.unwritten(texts)})
        functions = sum(each.kind == "function" for each in found)
        refuted = tuple(sorted({_named(each) for each in _without_needless(known)}))
        return CodeProof(self._asset.name, functions, refuted), tuple(map(_unseen, places))

    def _is_own(self, module: str, file: str) -> bool:
        path = Path(file)
        if self._codebase.is_first_party(module):
            return True
        if not _is_code(path):
            return module == "__main__"
        return self._codebase.module_of(path) is not None or is_loose(module, path)


class _Covered:
    """The code that a code version covers."""

    def __init__(self, codebase: Codebase, roots: tuple[Definition, ...]) -> None:
        self._codebase, self._roots = codebase, roots
        definitions, self._modules = codebase.explored(roots)
        self._definitions = frozenset(definitions)

    def has(self, executed: Executed) -> bool:
        """Whether a function or a module is covered."""
        path = Path(executed.file)
        if not _is_code(path):  # typed in, or made of a text
            name = executed.code.co_name
            return (
                Definition(executed.module, executed.name.partition(".")[0]) in self._definitions
                or name.startswith("__")  # as of a dataclass
            )
        module = executed.module
        if self._codebase.path(module) != path:
            module = self._codebase.module_of(path) or ""
        if executed.kind == "module":
            return module in self._modules
        names = ModuleSource.load(path).names_at(executed.line)
        return any(Definition(module, name) in self._definitions for name in names)

    def unwritten(self, executed: Sequence[Executed]) -> list[Executed]:
        """The pieces of code that no text in the covered code is."""
        if not executed:
            return []
        texts, _ = self._codebase.constants_of_reached(self._roots)
        return [each for each in executed if not _is_among(each.code, texts)]


def _is_code(path: Path) -> bool:
    return path.suffix == ".py" and path.is_file()


def _has_no_source(executed: Executed) -> bool:
    """Whether code was made of a text that nothing kept, other than that of a notebook's cell."""
    return not linecache.getlines(executed.file)


def _is_among(code: CodeType, texts: Iterable[str]) -> bool:
    """Whether code is what one of some texts compiles to, or a part of it."""
    words = {*code.co_names, *code.co_varnames}
    features = code.co_flags & _FEATURES
    for text in texts:
        if all(word in text for word in words) and any(
            _contains(made, code) for made in _compiled(text, features)
        ):
            return True
    return False


def _compiled(text: str, features: int) -> Iterator[CodeType]:
    for mode in ("exec", "eval"):
        with warnings.catch_warnings(), suppress(SyntaxError, ValueError):
            warnings.simplefilter("ignore")
            yield compile(text, "<string>", mode, features, dont_inherit=True)


def _contains(made: CodeType, code: CodeType) -> bool:
    inner = (each for each in made.co_consts if isinstance(each, CodeType))
    return made == code or any(_contains(each, code) for each in inner)


def _without_needless(found: Sequence[Executed]) -> list[Executed]:
    """Findings without the modules of which, or below which, another one is a finding too."""
    inner = {each.module for each in found if each.kind == "function"}
    modules = {each.module for each in found if each.kind == "module"}

    def is_reported(module: str) -> bool:
        return module in inner or any(each.startswith(f"{module}.") for each in inner | modules)

    return [each for each in found if each.kind == "function" or not is_reported(each.module)]


def _unseen(place: str) -> str:
    return (
        f"code: a text ran as code that does not stand in the covered code, so that a change of it may not be seen: "
        f"write it as a function; at {place}"
    )


def _named(executed: Executed) -> str:
    if executed.kind == "module":
        return f"the module {executed.module}, imported meanwhile, at {executed.file}"
    return f"{executed.module}.{executed.name} at {executed.file}:{executed.line}"
