"""Flows and descents cached on disk: analysed statements for following rows, shared with other processes.

Analysing the statements of a project takes seconds and always gives the same result. It is cached next to Python's
compiled files, by everything that it depends on; it is not written under `sys.dont_write_bytecode` or into a folder
that is not writable. It contains the statement's text and names; values of parameters are only in the hash of its key,
and values of a row nowhere.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from recsys_lineage.errors import LineageError
from recsys_lineage.rows.statement.row_values import RowValues
from recsys_lineage.rows.statement.steps import All, Fixed, Marking, Part, Step, Whole, Within

MOST_CACHED = 400
"""The most cached results; the oldest are deleted."""
Found = TypeVar("Found")
_ENDING = ".flow.json"


@dataclass(frozen=True)
class Flow:
    """Queries that find the rows of a statement's result that rows of a table flow into.

    Attributes:
        steps: the named queries, in order.
        wanted: the query over them for these rows.
        costly: folded names of steps that compute all rows → the use at which they are stored.
        context: the condition on rows of the table that all rows of the result depend on, see `Trace`; None for no
            rows.
        insufficient: the columns of the result that need these.
    """

    steps: tuple[Step, ...]
    wanted: str
    costly: Mapping[str, int]
    context: str | None = None
    insufficient: tuple[str, ...] = ()


@dataclass(frozen=True)
class Descent:
    """Queries that find the rows of some tables from which given rows of a statement's result were made.

    Attributes:
        steps: named queries, in order.
        wanted: table → the query over them for its rows.
        costly: folded names of steps that compute all rows → the use at which they are stored.
        looks: table → its context and the columns that need it, see `Trace`.
        lost: the step that has no row if `enough` suffices; empty where that is impossible.
        enough: table → the query for fewer rows, in that case.
        kinds: the types of the columns of the one row whose values have stand-ins in the steps; empty without these.
    """

    steps: tuple[Step, ...]
    wanted: tuple[str, ...]
    costly: Mapping[str, int]
    looks: tuple[tuple[str | None, tuple[str, ...]], ...]
    lost: str = ""
    enough: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def of_row(self, values: RowValues, connection: duckdb.DuckDBPyConnection) -> Descent:
        """The descent with a row's values in place of what stands for them.

        Raises:
            RowTraceError: a value cannot be one of its column's type.
        """
        text = values.put_in(json.dumps(_plain(self)), [connection.sqltype(kind) for kind in self.kinds])
        return _descent(json.loads(text))


class FlowCache:
    """Flows and descents by their dependencies, each in a separate file.

    Args:
        folder: their folder; next to this module's compiled file when None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder if folder is not None else _compiled_files_folder()

    def get(self, *key: object) -> Flow | None:
        """The cached flow for a key; None if there is none."""
        return self._found(key, _flow)

    def descent(self, *key: object) -> Descent | None:
        """The cached descent for a key; None if there is none."""
        return self._found(key, _descent)

    def _found(self, key: tuple[object, ...], read: Callable[[Mapping[str, Any]], Found]) -> Found | None:
        if self._folder is None:
            return None
        try:
            return read(json.loads((self._folder / _name(key)).read_text()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def store(self, found: Flow | Descent, *key: object) -> None:
        """Store a flow or descent under its key."""
        if self._folder is None or sys.dont_write_bytecode:
            return
        try:
            plain = _plain(found)
        except (LineageError, duckdb.Error):  # an alternative query that is not used need not be valid
            return
        with suppress(OSError):  # a folder that is not there, or not ours to write into, or a full disk
            with tempfile.NamedTemporaryFile("w", dir=self._folder, delete=False) as stream:
                written = Path(stream.name)
                try:
                    json.dump(plain, stream)
                    stream.flush()
                    written.replace(self._folder / _name(key))
                except OSError:
                    written.unlink(missing_ok=True)
            for path in _oldest(self._folder.glob(f"*{_ENDING}")):
                path.unlink(missing_ok=True)


def _oldest(paths: Iterable[Path]) -> list[Path]:
    times: list[tuple[int, Path]] = []
    for path in paths:
        with suppress(OSError):  # another process took it away
            times.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(times)[:-MOST_CACHED]]


def _compiled_files_folder() -> Path | None:
    try:
        return Path(importlib.util.cache_from_source(__file__)).parent
    except NotImplementedError:
        return None


def _name(key: tuple[object, ...]) -> str:
    return hashlib.sha256(f"{_analysis()}\x1f{key!r}".encode()).hexdigest() + _ENDING


@cache
def _analysis() -> str:
    """Dependencies of a flow other than its key: the analysing code and its libraries."""
    total = hashlib.sha256(f"{sys.version}\x1f{duckdb.__version__}".encode())
    with suppress(PackageNotFoundError):
        total.update(version("sqlglot").encode())
    home = Path(__file__).parent
    for folder in (home, home.parent / "sql"):
        for path in sorted(folder.rglob("*.py")):
            total.update(f"\x1f{path.relative_to(home.parent)}\x1f".encode())
            total.update(path.read_bytes())
    return total.hexdigest()


def _flow(written: Mapping[str, Any]) -> Flow:
    steps, insufficient = tuple(map(_step, written["steps"])), tuple(written["insufficient"])
    return Flow(steps, written["wanted"], dict(written["costly"]), written["context"], insufficient)


def _descent(written: Mapping[str, Any]) -> Descent:
    looks = tuple((context, tuple(insufficient)) for context, insufficient in written["looks"])
    steps, wanted = tuple(map(_step, written["steps"])), tuple(written["wanted"])
    enough, kinds = tuple(written["enough"]), tuple(written["kinds"])
    return Descent(steps, wanted, dict(written["costly"]), looks, written["lost"], enough, kinds)


def _plain(found: Flow | Descent) -> dict[str, Any]:
    """A flow or descent as plain JSON."""
    plain = {each.name: getattr(found, each.name) for each in fields(found)}
    return plain | {"steps": list(map(_step_json, found.steps)), "costly": dict(found.costly)}


def _step_json(step: Step) -> dict[str, Any]:
    """A step as plain JSON."""
    written = asdict(replace(step, marking=None))
    if step.marking is not None:
        text = step.marking.text()
        written["marking"] = asdict(replace(step.marking, text=str)) | {"text": text}
    return written


def _step(written: Mapping[str, Any]) -> Step:
    whole, rows, marking, within = written["whole"], written["all"], written["marking"], written["within"]
    return Step(
        written["name"],
        tuple(written["columns"]),
        tuple(
            Part(part["text"], tuple(part["of"]), tuple(map(tuple, part["inputs"])))
            for part in written["parts"]
        ),
        written["stored"],
        tuple(written["types"]),
        whole
        and Whole(whole["text"], whole["definition"], tuple(whole["requested"]), tuple(whole["tables"])),
        written["keys"],
        rows and All(rows["text"], rows["single"], tuple(map(tuple, rows["of"])), tuple(rows["requested"])),
        marking and _marking(marking),
        within
        and Within(
            within["table"],
            tuple(map(tuple, within["requested"])),
            within["only"],
            within["text"],
            within["answers"],
        ),
        written["few"],
        written["fixed"]
        and Fixed(written["fixed"]["table"], tuple(written["fixed"]["conditions"]), written["fixed"]["text"]),
    )


def _marking(written: Mapping[str, Any]) -> Marking:
    text = str(written["text"])
    return Marking(
        tuple(written["marked"]),
        tuple(written["requested"]),
        lambda: text,
        written["definition"],
        tuple(written["columns"]),
        written["always"],
    )
