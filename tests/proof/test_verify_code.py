"""verify sees which of the project's own code an asset executes, and refutes a code version that does not cover it."""

from __future__ import annotations

import importlib
import itertools
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import polars as pl
import pytest

from recsys_lineage import AssetCode, Lake, frame_code, materialize
from recsys_lineage.assets.code.code_version import code_version
from recsys_lineage.assets.reading.guarded_code import guarded
from recsys_lineage.proof import AssetProof, verify
from recsys_lineage.proof.observed.executed_code import ExecutedCode

_NUMBERS = itertools.count()
Project = Callable[[Mapping[str, str]], AssetCode]
COLUMNS = {"price": {"orders": ["price"]}}
HEAD = "import polars as pl\n"
FACTOR = "def factor():\n    return 2.0\n"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    lake.write_arrow("orders", pl.DataFrame({"price": [1.0, 2.0, 3.0]}))
    return lake


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Function that writes the files of a package named PKG, and of others, and returns the asset in its `entry`."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names: list[str] = []

    def written(files: Mapping[str, str]) -> AssetCode:
        name = f"observed_project_{next(_NUMBERS)}"
        names.append(name)
        for file, text in {"__init__.py": "", **files}.items():
            path = tmp_path / file if file.startswith("PKG") else tmp_path / name / file
            path = Path(str(path).replace("PKG", name))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("PKG", name))
        importlib.invalidate_caches()
        return frame_code(importlib.import_module(f"{name}.entry").spent, columns_from=COLUMNS)

    yield written
    for each in [module for module in sys.modules if module.startswith(tuple(names))]:
        del sys.modules[each]


def proved(asset: AssetCode, lake: Lake) -> AssetProof:
    materialize(asset, lake)
    for module in [
        each for each in sys.modules if each.startswith("observed_project") and each.endswith("plug")
    ]:
        del sys.modules[module]  # as in another process
    return verify(asset, lake, rows=3, sample=1, rounds=1)


def spent(body: str, before: str = "") -> str:
    inner = body.replace("\n", "\n    ")
    head = f"{HEAD}{before}\ndef spent(orders: pl.DataFrame) -> pl.DataFrame:\n"
    return f"{head}    {inner}\n    return orders * factor()\n"


KINDS = """
import collections, contextlib, dataclasses, enum, functools, logging, typing
@dataclasses.dataclass(frozen=True, order=True)
class Rate:
    value: float = 1.0
    @property
    def twice(self): return self.value * 2
    @classmethod
    def made(cls): return cls()
    @functools.cached_property
    def once(self): return self.twice
class Named(typing.NamedTuple):
    rate: Rate
class Colour(enum.Enum):
    RED = 1
    @classmethod
    def _missing_(cls, value): return cls.RED
Pair = collections.namedtuple("Pair", "a b")
@contextlib.contextmanager
def around():
    yield [each for each in (1, 2)]
@functools.lru_cache
def cached(n): return n
@functools.singledispatch
def kind(value): return 1
@kind.register
def _(value: int): return 2
def traced(f):
    @functools.wraps(f)
    def wrapper(*args): return f(*args)
    return wrapper
@traced
def factor():
    @dataclasses.dataclass
    class Inner(collections.UserDict):
        n: int = 1
        def __len__(self): return self.n
    with around() as held:
        logging.getLogger(__package__).warning("made %s", Rate.made())
        rates = sorted([Rate(), Rate(2.0)], key=lambda rate: rate.value)
        return rates[0].twice * len(Inner()) * cached(1) * kind(3) / kind(3) * Pair(1, 2).a * Colour(7).value
"""
OTHER = "'PKG_other plug'.replace(' ', '.')"
"""A module of another package, whose name stands nowhere."""
UNSEEN = {
    "a module by a computed name": {
        "entry.py": spent(f"factor = importlib.import_module({OTHER}).factor", "import importlib"),
        "PKG_other/plug.py": FACTOR,
    },
    "an entry point": {
        "entry.py": spent(
            "factor = LOADED",
            "from importlib import metadata\n"
            f"LOADED = metadata.EntryPoint('plug', {OTHER} + ':factor', 'PKG').load()",
        ),
        "PKG_other/plug.py": FACTOR,
    },
    "a registry that a module fills which only the entry imports": {
        "registry.py": "FACTORS = {}\n",
        "plug.py": f"from PKG import registry\n{FACTOR}registry.FACTORS['plug'] = factor\n",
        "inner.py": spent("factor = FACTORS['plug']", "from PKG.registry import FACTORS"),
        "entry.py": "import PKG.plug\nfrom PKG.inner import spent\n",
    },
    "a function of a thread": {
        "entry.py": spent(
            f"held = []\nplug = importlib.import_module({OTHER})\n"
            "thread = threading.Thread(target=lambda: held.append(plug.factor()))\nthread.start()\nthread.join()\n"
            "factor = held.pop",
            "import importlib, threading",
        ),
        "PKG_other/plug.py": FACTOR,
    },
    "blocks, which are made as they are written": {
        "entry.py": spent(
            "def blocks():\n    for start in range(3):\n"
            f"        factor = importlib.import_module({OTHER}).factor()\n"
            "        yield orders[start : start + 1] * factor\n"
            "return Output(blocks())",
            "import importlib\nfrom recsys_lineage import Output",
        ),
        "PKG_other/plug.py": FACTOR,
    },
    "a function in the plan of a lazy frame": {
        "entry.py": f"{HEAD}import importlib\n"
        "def spent(orders: pl.LazyFrame) -> pl.LazyFrame:\n"
        f"    factor = importlib.import_module({OTHER}).factor\n"
        "    return orders.map_batches(lambda frame: frame * factor())\n",
        "PKG_other/plug.py": FACTOR,
    },
}  # fmt: skip


@pytest.mark.parametrize("case", UNSEEN)
def test_a_function_that_ran_and_is_not_covered_is_found(case: str, project: Project, lake: Lake) -> None:
    files = UNSEEN[case]
    asset = project(files)
    found = proved(asset, lake)
    assert found.ran is not None and not found.true and found.verdict == "refuted"
    (told,) = found.ran.uncovered
    (plug,) = (text for file, text in files.items() if file.endswith("plug.py"))
    line = plug.split("\n").index("def factor():") + 1
    assert told.endswith(f"plug.py:{line}") and ".plug.factor at " in told
    report = found.report()
    assert f"ran, not covered by the code version: {told}" in report
    assert "A change of it would not make spent stale. Import it by its name" in report
    assert found.to_json()["code"]["true"] is False


def test_an_edit_of_what_is_found_changes_no_version(project: Project, lake: Lake, tmp_path: Path) -> None:
    asset = project(UNSEEN["an entry point"])
    found = proved(asset, lake)
    assert found.ran is not None and found.ran.uncovered
    (plug,) = tmp_path.glob("*/plug.py")
    plug.write_text(FACTOR.replace("2.0", "3.0"))
    assert asset.covers is not None
    assert code_version(asset.covers.root, {}, more_roots=asset.covers.more_roots) == asset.code_version


@pytest.mark.parametrize(
    "body",
    [
        "from PKG.plug import factor",
        "import importlib\nfactor = importlib.import_module('PKG.plug').factor",
        "factor = eval('lambda: 2.0')",
        "held = {}\nexec('def factor(): return 2.0', held)\nfactor = held['factor']",
    ],
)
def test_code_that_is_covered_is_no_finding(body: str, project: Project, lake: Lake) -> None:
    found = proved(project({"entry.py": spent(body), "plug.py": FACTOR}), lake)
    assert found.ran is not None and found.ran.executed and found.true and not found.not_tried, found.report()


def test_code_of_all_kinds_is_seen_as_covered(project: Project, lake: Lake) -> None:
    """Code that Python itself makes of a text, methods of all kinds, and a handler of the log, which makes nothing."""
    files = {
        "kinds.py": KINDS,
        "log.py": "import logging\nclass Shown(logging.Handler):\n    def emit(self, record): self.format(record)\n",
        "entry.py": spent(
            "from PKG.kinds import factor",
            "import logging, PKG.log\nlogging.getLogger('PKG').addHandler(PKG.log.Shown())",
        ),
    }
    found = proved(project(files), lake)
    assert found.ran is not None and found.ran.executed > 15 and found.true, found.report()
    assert not found.not_tried


def test_a_module_under_a_name_that_nobody_finds_is_known_by_its_file(project: Project, lake: Lake) -> None:
    head = """
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
SPEC = spec_from_file_location("odd_name", Path(__file__).parent / "kinds" / "plug.py")
PLUG = module_from_spec(SPEC)
SPEC.loader.exec_module(PLUG)
"""
    files = {"entry.py": spent("factor = PLUG.factor", head), "kinds/plug.py": FACTOR}
    found = proved(project(files), lake)
    assert found.ran is not None and found.true, found.report()


def test_a_module_that_runs_only_to_be_imported_is_found(project: Project, lake: Lake) -> None:
    body = f"factor = importlib.import_module({OTHER}).FACTOR.__abs__"
    files = {"PKG_other/__init__.py": "", "PKG_other/plug.py": "FACTOR = 2.0\n"}
    found = proved(project({"entry.py": spent(body, "import importlib"), **files}), lake)
    assert found.ran is not None and not found.true
    (told,) = found.ran.uncovered
    assert told.startswith("the module ") and told.endswith("plug.py")


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("factor = eval(f'lambda: {len(orders.columns)}')", 4),
        ("held = {}\nexec('def factor():\\n' + ' return 2.0', held)\nfactor = held['factor']", 5),
    ],
)
def test_a_computed_text_that_ran_is_said_not_to_be_seen(
    body: str, line: int, project: Project, lake: Lake
) -> None:
    found = proved(project({"entry.py": spent(body)}), lake)
    assert found.true
    told = found.not_tried[-1]
    assert "a text ran as code" in told and told.endswith(f"entry.py:{line}, in spent")


def test_what_the_proof_looks_up_meanwhile_is_no_read_of_the_asset() -> None:
    looked: list[str] = []

    def is_own(module: str, file: str) -> bool:
        looked.extend(os.listdir("/usr"))
        return module == __name__

    def computed() -> int:
        return len(__name__)

    executed = ExecutedCode(is_own)
    with guarded("made"):
        assert executed.around(computed)() == len(__name__)
    assert looked and "computed" in {each.code.co_name for each in executed.found}
