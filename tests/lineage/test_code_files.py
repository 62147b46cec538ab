"""A file of the package counts in the versions of the code that reads it, however the code spells its path."""

from __future__ import annotations

import pytest

from recsys_lineage.assets.code.code_version import code_version
from tests.lineage.code_tree import Tree

FILES = {
    "x.sql": "SELECT 1",
    "words.txt": "a",
    "table.parquet": "PAR1",
    "sql/x.sql": "SELECT 1",
    "sql/y.json": "{}",
    "sql/deep/x.sql": "SELECT 1",
    "data/__init__.py": "",
    "data/x.sql": "SELECT 1",
    "data/rows.csv": "a,b",
    "inner/__init__.py": "",
    "inner/x.sql": "SELECT 1",
    "other/far.toml": "a = 1",
}
CONSTANTS = """
import enum, os, pathlib
from pathlib import Path
HERE = Path(__file__).parent
SQL = HERE / "sql"
ONE = SQL / "x.sql"
FOLDER = os.path.dirname(os.path.abspath(__file__))
NAME = "x"
NAMES = ["x", "y"]
class Places:
    sql = pathlib.Path(__file__).resolve().parent / "sql"
class Name(enum.Enum):
    X = "x"
def read(folder, name): return (folder / name).read_text()
def query(name): return (SQL / f"{name}.sql").read_text()
"""
HEAD = """
import glob, importlib.resources, importlib.util, inspect, io, json, os, os.path, pathlib, pkgutil, subprocess, sys
from importlib import resources
from importlib.resources import files
from os.path import dirname, join
from pathlib import Path, PurePath
import PKG.constants, PKG.data
from PKG import constants, data
from PKG.constants import HERE as THERE, NAME, NAMES, SQL, Places, query, read
HERE = Path(__file__).parent
"""

READS = {
    # path objects
    "parent / name": ("(Path(__file__).parent / 'x.sql').read_text()", "x.sql"),
    "resolved": ("(Path(__file__).resolve().parent / 'x.sql').read_text()", "x.sql"),
    "pathlib.Path": ("(pathlib.Path(__file__).absolute().parent / 'sql' / 'x.sql').read_text()", "sql/x.sql"),
    "a text with folders": ("(Path(__file__).parent / 'sql/deep/x.sql').open().read()", "sql/deep/x.sql"),
    "nested folders": ("(HERE / 'sql' / 'deep' / 'x.sql').read_text()", "sql/deep/x.sql"),
    "with_name": ("Path(__file__).with_name('x.sql').read_text()", "x.sql"),
    "joinpath": ("HERE.joinpath('sql', 'deep', 'x.sql').read_text()", "sql/deep/x.sql"),
    "with_suffix": ("(HERE / 'sql/x').with_suffix('.sql').read_text()", "sql/x.sql"),
    "with_stem": ("(HERE / 'sql/z.sql').with_stem('x').read_text()", "sql/x.sql"),
    "parents": ("(Path(__file__).parents[0] / 'sql' / 'deep' / 'x.sql').read_text()", "sql/deep/x.sql"),
    "Path of parts": ("Path(HERE, 'sql', 'deep', 'x.sql').read_text()", "sql/deep/x.sql"),
    "Path of __file__ and dots": ("Path(__file__, '..', 'sql', 'deep', 'x.sql').read_text()", "sql/deep/x.sql"),
    "dots": ("(HERE / 'data' / '..' / 'sql' / 'deep' / 'x.sql').read_text()", "sql/deep/x.sql"),
    "a text constant": ("(HERE / f'{NAME}.sql').read_text()", "x.sql"),
    "f-string": ("(HERE / 'sql' / 'deep' / f'{n}.sql').read_text()", "sql/deep/x.sql"),
    "f-string of the whole": ("open(f'{HERE}/sql/deep/{n}.sql').read()", "sql/deep/x.sql"),
    "added": ("open(str(HERE) + '/sql/deep/' + n + '.sql').read()", "sql/deep/x.sql"),
    "added name": ("(HERE / ('sql/deep/' + n + '.sql')).read_text()", "sql/deep/x.sql"),
    "percent in brackets": ("(HERE / ('sql/deep/%s.sql' % n)).read_text()", "sql/deep/x.sql"),
    "format": ("(HERE / 'sql/deep/{}.sql'.format(n)).read_text()", "sql/deep/x.sql"),
    "a computed name": ("(HERE / 'sql' / 'deep' / n).read_text()", "sql/deep/x.sql"),
    "computed folders": ("HERE.joinpath(*n).read_text()", "sql/deep/x.sql"),
    "a conditional": ("(HERE / 'sql' / ('deep' if n else 'deeper') / 'x.sql').read_text()", "sql/deep/x.sql"),
    "a conditional path": ("(HERE / 'sql/deep/x.sql' if n else HERE / 'y').read_text()", "sql/deep/x.sql"),
    # folders
    "glob": ("[p.read_text() for p in (HERE / 'sql').glob('*/*.sql')]", "sql/deep/x.sql"),
    "glob of all": ("[p.read_text() for p in HERE.glob('**/*.sql')]", "sql/deep/x.sql"),
    "rglob": ("[p.read_text() for p in HERE.rglob('x.sql')]", "sql/deep/x.sql"),
    "iterdir": ("[p.read_text() for p in (HERE / 'sql' / 'deep').iterdir()]", "sql/deep/x.sql"),
    "listdir": ("os.listdir(os.path.join(os.path.dirname(__file__), 'sql', 'deep'))", "sql/deep/x.sql"),
    "walk": ("list(os.walk(HERE / 'sql'))", "sql/deep/x.sql"),
    "scandir": ("list(os.scandir(HERE / 'other'))", "other/far.toml"),
    "glob.glob": ("glob.glob(f'{HERE}/sql/*/*.sql')", "sql/deep/x.sql"),
    "glob.glob joined": ("glob.glob(join(dirname(__file__), 'sql', '*', '*.sql'))", "sql/deep/x.sql"),
    "a folder given on": ("read(HERE / 'sql', 'deep/' + n)", "sql/deep/x.sql"),
    "a folder of a package": ("[p for p in (HERE / 'data').iterdir()]", "data/rows.csv"),
    # os.path
    "os.path.join": ("open(os.path.join(os.path.dirname(__file__), 'sql', 'deep', 'x.sql'))", "sql/deep/x.sql"),
    "abspath": ("open(join(dirname(os.path.abspath(__file__)), 'sql/deep/x.sql'))", "sql/deep/x.sql"),
    "realpath": ("open(join(dirname(os.path.realpath(__file__)), 'sql', 'deep', n))", "sql/deep/x.sql"),
    "dirname twice": ("open(join(dirname(dirname(__file__)), 'PKG/sql/deep/x.sql'))", "sql/deep/x.sql"),
    "splitext": ("open(os.path.splitext(__file__)[0] + '.sql')", "a.sql"),
    "replaced": ("open(__file__.replace('.py', '.sql'))", "a.sql"),
    "split": ("open(os.path.split(__file__)[0] + '/sql/deep/x.sql')", "sql/deep/x.sql"),
    "rpartition": ("open(__file__.rpartition('/')[0] + '/sql/deep/x.sql')", "sql/deep/x.sql"),
    "sep": ("open(os.sep.join([dirname(__file__), 'sql', 'deep', 'x.sql']))", "sql/deep/x.sql"),
    "slices": ("open(__file__[:-4] + 'sql/deep/x.sql')", "sql/deep/x.sql"),
    # resources
    "files": ("files('PKG').joinpath('sql/deep/x.sql').read_text()", "sql/deep/x.sql"),
    "files of a package": ("(importlib.resources.files('PKG.data') / 'rows.csv').read_text()", "data/rows.csv"),
    "files of a module": ("resources.files(data).joinpath(n).read_text()", "data/rows.csv"),
    "files of __package__": ("files(__package__).joinpath('sql', 'deep', 'x.sql').read_text()", "sql/deep/x.sql"),
    "files of __name__": ("files(__name__).joinpath('sql', 'deep', 'x.sql').read_text()", "sql/deep/x.sql"),
    "files of nothing": ("files().joinpath('sql', 'deep', 'x.sql').read_text()", "sql/deep/x.sql"),
    "files of a text made": ("files(f'PKG.{n}').joinpath('rows.csv').read_text()", "data/rows.csv"),
    "files of a text added": ("files('PKG.' + n).joinpath('rows.csv').read_text()", "data/rows.csv"),
    "files of a name": ("files(n).joinpath('rows.csv').read_text()", "data/rows.csv"),
    "as_file": ("resources.as_file(files('PKG') / 'sql' / 'deep' / 'x.sql')", "sql/deep/x.sql"),
    "read_text": ("resources.read_text('PKG.data', 'rows.csv')", "data/rows.csv"),
    "read_binary": ("resources.read_binary(data, n)", "data/rows.csv"),
    "open_text": ("importlib.resources.open_text(PKG.data, 'rows.csv').read()", "data/rows.csv"),
    "path": ("importlib.resources.path('PKG.data', n)", "data/rows.csv"),
    "contents": ("list(importlib.resources.contents('PKG.data'))", "data/rows.csv"),
    "get_data": ("pkgutil.get_data('PKG.data', 'rows.csv')", "data/rows.csv"),
    "get_data of __name__": ("pkgutil.get_data(__name__, 'sql/deep/x.sql')", "sql/deep/x.sql"),
    "get_data computed": ("pkgutil.get_data('PKG', f'sql/deep/{n}.sql')", "sql/deep/x.sql"),
    # modules
    "__spec__": ("Path(__spec__.origin).with_name('table.parquet').read_bytes()", "table.parquet"),
    "__spec__ computed": ("(Path(__spec__.origin).parent / 'sql' / 'deep' / n).read_bytes()", "sql/deep/x.sql"),
    "__loader__": ("__loader__.get_data(join(dirname(__file__), 'sql', 'deep', n))", "sql/deep/x.sql"),
    "a module's __file__": ("(Path(data.__file__).parent / 'rows.csv').read_text()", "data/rows.csv"),
    "a module's __file__, computed": ("(Path(PKG.data.__file__).parent / n).read_text()", "data/rows.csv"),
    "__path__": ("(Path(data.__path__[0]) / n).read_text()", "data/rows.csv"),
    "a package's __path__": ("open(PKG.__path__[0] + '/sql/deep/x.sql').read()", "sql/deep/x.sql"),
    "getfile": ("(Path(inspect.getfile(query)).parent / 'sql/deep' / n).read_text()", "sql/deep/x.sql"),
    "getsourcefile": ("(Path(inspect.getsourcefile(root)).parent / 'sql/deep/x.sql').read_text()", "sql/deep/x.sql"),
    "currentframe": (
        "(Path(inspect.currentframe().f_code.co_filename).parent / 'sql/deep/x.sql').read_text()", "sql/deep/x.sql"),
    "sys.modules": ("(Path(sys.modules[__name__].__file__).parent / 'sql/deep/x.sql')", "sql/deep/x.sql"),
    "getattr": ("(Path(getattr(data, '__file__')).parent / n).read_text()", "data/rows.csv"),
    "find_spec": ("Path(importlib.util.find_spec('PKG.data').origin).with_name('rows.csv')", "data/rows.csv"),
    # constants
    "a constant elsewhere": ("(SQL / 'deep' / 'x.sql').read_text()", "sql/deep/x.sql"),
    "around a constant": ("constants.ONE.parent.rglob('*')", "sql/deep/x.sql"),
    "a list of what is around": ("os.listdir(constants.ONE.parent.parent / 'sql' / 'deep')", "sql/deep/x.sql"),
    "renamed": ("(THERE / 'sql' / 'deep' / 'x.sql').read_text()", "sql/deep/x.sql"),
    "of a module": ("(constants.SQL / 'deep' / n).read_text()", "sql/deep/x.sql"),
    "of a text": ("open(constants.FOLDER + '/sql/deep/' + n).read()", "sql/deep/x.sql"),
    "the file itself": ("constants.ONE.read_text()", "sql/x.sql"),
    "in a class": ("(Places.sql / 'deep' / 'x.sql').read_text()", "sql/deep/x.sql"),
    "of an enum": ("[(SQL / 'deep' / f'{n.value}.sql') for n in constants.Name]", "sql/deep/x.sql"),
    "of a list": ("[(SQL / 'deep' / f'{n}.sql').read_text() for n in NAMES]", "sql/deep/x.sql"),
    "a function elsewhere": ("query('x')", "sql/x.sql"),
    "a function elsewhere, at depth": ("query(n)", "sql/deep/x.sql"),
}  # fmt: skip


def _changes(tree: Tree, code: str, path: str) -> bool:
    tree.write({**FILES, "constants.py": CONSTANTS, "a.sql": "SELECT 1", "a.py": code})
    root = tree.get("a", "root")
    before = code_version(root, {})
    (tree.folder / tree.name / path).write_text("edited")
    return code_version(root, {}) != before


@pytest.mark.parametrize("read", READS)
def test_an_edit_of_a_file_changes_the_version_of_the_code_that_reads_it(read: str, tree: Tree) -> None:
    expression, path = READS[read]
    assert _changes(tree, f"{HEAD}def root(n='rows.csv'): return {expression}\n", path)


INSIDE = {
    "a name": ("at = Path(__file__).parent\n    return (at / 'sql/deep/x.sql').read_text()", "sql/deep/x.sql"),
    "a local file": ("at = HERE / 'sql' / 'deep' / 'x.sql'\n    return at.read_text()", "sql/deep/x.sql"),
    "a part of a local": ("at = HERE / 'sql' / 'deep' / n\n    return at.parent.joinpath(n)", "sql/deep/x.sql"),
    "a local folder": ("at = HERE / 'sql'\n    return (at / 'deep' / n).read_text()", "sql/deep/x.sql"),
    "a local of a constant": ("at = constants.SQL\n    return (at / 'deep' / n).read_text()", "sql/deep/x.sql"),
    "a local that changes": (
        "at = Path(__file__)\n    at = at.parent\n    at = at / 'sql'\n    return (at / 'deep' / n).read_text()",
        "sql/deep/x.sql",
    ),
    "a loop": ("for at in [HERE / 'sql' / 'deep']:\n        return (at / n).read_text()", "sql/deep/x.sql"),
    "a walrus": ("return ((at := HERE / 'sql') / 'deep' / n).read_text()", "sql/deep/x.sql"),
    "with": ("with resources.path('PKG.data', 'rows.csv') as at:\n        return at.read_text()", "data/rows.csv"),
    "a nested function": ("def at(): return HERE / 'sql/deep'\n    return (at() / n).read_text()", "sql/deep/x.sql"),
    "a lambda": ("return (lambda at: (at / n).read_text())(HERE / 'sql' / 'deep')", "sql/deep/x.sql"),
    "json": ("with open(HERE / 'sql' / 'y.json') as file: return json.load(file)", "sql/y.json"),
    "a default": ("def f(at=HERE / 'sql/deep'): return (at / n).read_text()\n    return f()", "sql/deep/x.sql"),
    "chdir": ("os.chdir(HERE / 'sql')\n    return open('deep/' + n).read()", "sql/deep/x.sql"),
}  # fmt: skip


@pytest.mark.parametrize("body", INSIDE)
def test_a_path_may_have_local_names(body: str, tree: Tree) -> None:
    statements, path = INSIDE[body]
    assert _changes(tree, f"{HEAD}def root(n='rows.csv'):\n    {statements}\n", path)


AROUND = {
    "a function for paths": ("def at(name): return Path(__file__).parent / 'sql' / 'deep' / name\n"
                             "def root(n): return at('x.sql').read_text()"),
    "a function for files": ("def at(where, name): return Path(where).parent / name\n"
                             "def root(n): return at(__file__, 'sql/deep/' + n).read_text()"),
    "a default argument": "def root(n='x', at=HERE / 'sql' / 'deep'): return (at / n).read_text()",
    "a class": "class root:\n    at = HERE / 'sql' / 'deep'\n    def read(self, n): return (self.at / n).read_text()",
    "a property": ("class root:\n    @property\n    def at(self): return HERE / 'sql' / 'deep'\n"
                   "    def read(self, n): return (self.at / n).read_text()"),
    "an annotated constant": "AT: Path = HERE / 'sql' / 'deep'\ndef root(n): return (AT / n).read_text()",
    "one of two constants": "AT, B = HERE / 'sql' / 'deep', 1\ndef root(n): return (AT / n).read_text()",
    "a constant under a condition": ("if NAME:\n    AT = HERE / 'sql' / 'deep'\nelse:\n    AT = HERE\n"
                                     "def root(n): return (AT / n).read_text()"),
    "a table of paths": "AT = {'x': HERE / 'sql' / 'deep' / 'x.sql'}\ndef root(n): return AT[n].read_text()",
    "a table that is made": ("AT = {p.stem: p.read_text() for p in (HERE / 'sql' / 'deep').iterdir()}\n"
                             "def root(n): return AT[n]"),
    "a table that is made at depth": ("AT = {p.stem: p.read_text() for p in SQL.rglob('*.sql')}\n"
                             "def root(n): return AT[n]"),
    "a text read at the top": "AT = (HERE / 'sql/deep' / f'{NAME}.sql').read_text()\ndef root(n): return AT",
    "a registry filled at the top": ("AT = {}\nfor p in (HERE / 'sql' / 'deep').iterdir(): AT[p.stem] = p.read_text()\n"
                                     "def root(n): return AT[n]"),
    "a constant that is changed": "AT = HERE\nAT = AT / 'sql'\nAT /= 'deep'\ndef root(n): return (AT / n).read_text()",
    "constants one after another": ("A = 'sql'\nB = HERE / A\nC = B / 'deep'\nD = C / 'x.sql'\n"
                                    "def root(n): return D.read_text()"),
    "a text for open": "HERE = dirname(__file__)\ndef root(n): return open(HERE + '/sql/deep/x.sql').read()",
}  # fmt: skip


@pytest.mark.parametrize("code", AROUND)
def test_a_path_may_be_made_elsewhere(code: str, tree: Tree) -> None:
    assert _changes(tree, f"{HEAD}{AROUND[code]}\n", "sql/deep/x.sql")


UNREAD = {
    "another name": ("(HERE / 'sql' / 'x.sql').read_text()", "sql/y.json"),
    "another folder": ("(HERE / 'sql' / n).read_text()", "words.txt"),
    "another folder's name": ("(SQL / 'x.sql').read_text()", "sql/y.json"),
    "another ending": ("(HERE / 'sql' / f'{n}.sql').read_text()", "sql/y.json"),
    "another ending of a glob": ("list(HERE.rglob('*.sql'))", "sql/y.json"),
    "another package": ("files('PKG.data').joinpath(n).read_text()", "sql/deep/x.sql"),
    "another constant": ("constants.ONE.read_text()", "sql/y.json"),
    "a function elsewhere": ("query('x')", "sql/y.json"),
    "a name next to the code": ("'see words.txt'", "x.sql"),
    "the folder's name only": ("HERE.name", "x.sql"),
    "the file's own name": ("Path(__file__).stem + Path(__file__).name", "x.sql"),
    "the folder of a process": ("subprocess.run(['git', 'status'], cwd=HERE)", "words.txt"),
    "byte code": ("[p.read_text() for p in HERE.iterdir()]", "__pycache__/x.pyc"),
    "code that nothing runs": ("[p.read_text() for p in (HERE / 'sql').iterdir()]", "inner/__init__.py"),
}  # fmt: skip


@pytest.mark.parametrize("read", UNREAD)
def test_a_file_that_the_code_does_not_read_does_not_count(read: str, tree: Tree) -> None:
    expression, path = UNREAD[read]
    tree.write({"__pycache__/x.pyc": ""})
    assert not _changes(tree, f"{HEAD}def root(n='rows.csv'): return {expression}\n", path)
