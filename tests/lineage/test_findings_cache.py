"""Digests of code that one process found are taken by the next, and only where it would find the same."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.assets.code import findings_cache, first_party
from recsys_lineage.assets.code.reachable_code import Codebase, Definition
from recsys_lineage.assets.code.syntax import module_source
from tests.examples import examples

_numbers = itertools.count()
FILES = {
    "__init__.py": "",
    "start.py": "from PKG.other import f\nfrom PKG.inner import deep\n"
    "def root(): return f() + deep.g() + read('a.sql')\n"
    "def read(name): return name\ndef unused(): return 5\n",
    "other.py": "RATE = 3\ndef f(): return RATE\n",
    "inner/__init__.py": "",
    "inner/deep.py": "def g(): return 2\n",
    "sql/a.sql": "SELECT 1",
}


class Package:
    """A package on the disk that no process has imported, and where its digests are kept."""

    def __init__(self, folder: Path) -> None:
        self.name = f"kept_{next(_numbers)}"
        self.folder = folder / self.name
        for path, text in FILES.items():
            self.write(path, text)
        (self.folder / "__pycache__").mkdir()

    def write(self, path: str, text: str) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.replace("PKG", self.name))

    @property
    def kept(self) -> list[Path]:
        return list(self.folder.glob("__pycache__/*.json"))

    def digest(self, module: str = "start", name: str = "root") -> str:
        """As a process that has looked at nothing yet finds it."""
        _forget()
        return Codebase().digest_of_reached((Definition(f"{self.name}.{module}", name),))

    def constants(self) -> tuple[frozenset[str], frozenset[float]]:
        """Of the modules that are reached, likewise."""
        _forget()
        return Codebase().constants_of_reached((Definition(f"{self.name}.start", "root"),))

    def found_anew(self) -> str:
        """The digest where nothing was kept."""
        return self._anew().digest_of_reached((Definition(f"{self.name}.start", "root"),))

    def constants_anew(self) -> tuple[frozenset[str], frozenset[float]]:
        """The constants where nothing was kept."""
        return self._anew().constants_of_reached((Definition(f"{self.name}.start", "root"),))

    def _anew(self) -> Codebase:
        _forget()
        return Codebase(replaced={Path("none"): ""})


def _forget() -> None:
    for known in (first_party._folders, findings_cache._hash, module_source._loaded):
        known.cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.syspath_prepend(tmp_path)
    return Package(tmp_path)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """The roots that were looked through."""
    found: list[object] = []
    whole = Codebase.reach
    monkeypatch.setattr(Codebase, "reach", lambda self, roots: (found.append(roots), whole(self, roots))[1])
    yield found


def test_another_process_looks_through_nothing(package: Package, looks: list[object]) -> None:
    found = package.digest()
    assert len(package.kept) == len(looks) == 1
    assert package.digest() == found
    assert len(looks) == 1
    package.digest(name="read")
    assert len(looks) == 2
    assert package.digest(name="read") != package.digest() == found
    assert len(looks) == 2
    constants = package.constants()
    assert len(looks) == 3
    assert package.constants() == constants == package.constants_anew()
    assert constants[0] >= {"a.sql", "RATE"} and constants[1] >= {3, 2, 5}
    assert len(looks) == 4, "but for the one that was found anew"


STORES = """
import os
import sys
from recsys_lineage.assets.code import findings_cache
from recsys_lineage.assets.code.reachable_code import Codebase, Definition
writes = []
whole = findings_cache.FindingsCache._write
findings_cache.FindingsCache._write = lambda self, path: (writes.append(path), whole(self, path))[1]
findings_cache.PAUSE = 1_000_000
codebase = Codebase()
for name in ("root", "read", "unused"):
    codebase.digest_of_reached((Definition(f"{sys.argv[1]}.start", name),))
assert len(writes) == 1
if sys.argv[2:]:
    codebase.write_findings()
    codebase.write_findings()
    assert len(writes) == 2
    os._exit(0)
"""


@pytest.mark.parametrize("killed", [[], ["killed"]], ids=["ends", "is killed once it wrote them"])
def test_what_follows_soon_is_written_once_and_at_the_latest_as_the_process_ends(
    package: Package, looks: list[object], killed: list[str]
) -> None:
    path = {"PYTHONPATH": os.pathsep.join([str(package.folder.parent), *sys.path])}
    command = [sys.executable, "-c", STORES, package.name, *killed]
    subprocess.run(command, env={**os.environ, **path}, check=True)
    for name in ("root", "read", "unused"):
        package.digest(name=name)
    assert looks == []


def _edited(package: Package) -> None:
    package.write("other.py", "RATE = 4\ndef f(): return RATE\n")  # of the same length


def _moved(package: Package) -> None:
    package.write("inner/deep/__init__.py", "def g(): return 7\n")  # a package goes before a module


CHANGES: dict[str, Callable[[Package], None]] = {
    "a constant": _edited,
    "a constant, at the same time": lambda package: (_edited(package), _same_times(package))[0],
    "a file named in the code": lambda package: package.write("sql/a.sql", "SELECT 2"),
    "a second file of that name": lambda package: package.write("more/a.sql", "SELECT 3"),
    "that file is gone": lambda package: (package.folder / "sql/a.sql").unlink(),
    "a module becomes a package": _moved,
    "a module is gone": lambda package: (package.folder / "inner/deep.py").unlink(),
    "a folder is gone": lambda package: shutil.rmtree(package.folder / "inner"),
    "a link instead of a file": lambda package: _linked(package),
}


def _same_times(package: Package) -> None:
    os.utime(package.folder / "other.py", ns=(0, 0))


def _linked(package: Package) -> None:
    elsewhere = package.folder.parent / "elsewhere.py"
    elsewhere.write_text("RATE = 9\ndef f(): return RATE\n")
    (package.folder / "other.py").unlink()
    (package.folder / "other.py").symlink_to(elsewhere)


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_kept_is_what_would_be_found(package: Package, change: str) -> None:
    _same_times(package)
    before = package.digest()
    package.constants()
    CHANGES[change](package)
    assert package.digest() == package.found_anew() != before
    assert package.constants() == package.constants_anew()


@settings(max_examples=examples(25), deadline=None)
@given(
    edits=st.lists(
        st.tuples(
            st.sampled_from([*(path for path in FILES if path != "start.py"), "added.py", "inner/added.py"]),
            st.sampled_from(["", "def f(): return 1\n", "def g(): return 8\n", "RATE = 1\n", None]),
        ),
        max_size=5,
    )
)
def test_after_any_edits_it_is_what_would_be_found(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, str | None]]
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "dont_write_bytecode", False)
        folder = tmp_path_factory.mktemp("packages")
        monkeypatch.syspath_prepend(folder)
        package = Package(folder)
        assert package.digest() == package.found_anew()
        assert package.constants() == package.constants_anew()
        for path, text in edits:
            if text is None:
                (package.folder / path).unlink(missing_ok=True)
            else:
                package.write(path, text)
            assert package.digest() == package.found_anew()
            assert package.constants() == package.constants_anew()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"made of": 1}', b"\xff\x00", b'{"found": {}}']
)
def test_a_damaged_file_counts_as_none(package: Package, content: bytes) -> None:
    found = package.digest()
    package.kept[0].write_bytes(content)
    assert package.digest() == found
    assert package.kept[0].read_bytes() != content


def test_nothing_is_kept_of_another_python_or_another_analysis(
    package: Package, looks: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = package.digest()
    for name, value in (
        ("sys.version", "3.99"),
        ("recsys_lineage.assets.code.findings_cache._analysis", str),
    ):
        monkeypatch.setattr(name, value)
        before = len(looks)
        assert package.digest() == found
        assert len(looks) == before + 1


def test_nothing_is_written_where_byte_code_is_not(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    package.digest()
    assert package.kept == []


def test_where_nobody_may_write_it_is_found_each_time(package: Package, looks: list[object]) -> None:
    shutil.rmtree(package.folder / "__pycache__")
    (package.folder / "__pycache__").write_text("no folder")
    assert package.digest() == package.digest()
    assert len(looks) == 2
