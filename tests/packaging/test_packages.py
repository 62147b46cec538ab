"""The packages keep their arrows, declare what they import, and carry their data files when installed."""

import ast
import re
import subprocess
import sys
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import combinations
from pathlib import Path

import grimp
import pytest
import rustworkx
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rapidfuzz.distance import Levenshtein

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
OURS = ("recsys_assets", "recsys_lineage", "recsys_models")
MOST_MODULES = 18
"""Modules of one folder beside its `__init__`; a folder with more is searched, not read."""
MOST_LINES = 60
"""Lines of one function, its signature included and its docstring not; a longer one has a part that wants a name."""
MAY_TOUCH_DAGSTER_INTERNALS = "recsys_lineage/orchestration/dagster_internals.py"


Modules = list[tuple[str, ast.Module]]
"""The path of each module, and its tree."""


@pytest.fixture(scope="module")
def modules() -> Modules:
    """All of ours; look, do not touch."""
    return [
        (str(path.relative_to(ROOT)), ast.parse(path.read_text()))
        for package in OURS
        for path in sorted((ROOT / package).rglob("*.py"))
    ]


def imported_names(tree: ast.Module) -> Iterator[str]:
    """Dotted names that a module imports, `from a import b` as `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def private_dagster_names(tree: ast.Module) -> list[str]:
    """Imports of, and attribute chains into, what Dagster's packages mark with an underscore."""
    imports = [name for name in imported_names(tree) if name.split(".")[0].startswith("dagster")]
    aliases = {"dagster"} | {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "dagster" and alias.asname
    }
    chains = [
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases
    ]
    return [name for name in (*imports, *chains) if any(part.startswith("_") for part in name.split("."))]


def declared(root: Path) -> set[str]:
    """What is always installed, and what an extra of users' installs."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = [texts for name, texts in project["optional-dependencies"].items() if name != "dev"]
    texts = [*project["dependencies"], *(text for extra in extras for text in extra)]
    return {canonicalize_name(Requirement(text).name) for text in texts}


def test_a_folder_has_few_enough_modules_to_be_read_through(root: Path) -> None:
    counted = Counter(
        path.parent.relative_to(root)
        for package in OURS
        for path in (root / package).rglob("*.py")
        if path.stem != "__init__"
    )
    assert {folder: count for folder, count in counted.items() if count > MOST_MODULES} == {}


def defined_names(tree: ast.Module) -> Iterator[str]:
    """Functions, classes and constants that somebody has to name: no decorator registers them, and neither a base class
    nor Python calls them."""
    hooks: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.bases:
            hooks.update(each for each in node.body if isinstance(each, ast.FunctionDef))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not (
            node.decorator_list or node in hooks or node.name.startswith("__")
        ):
            yield node.name
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        yield from (each.id for each in targets if isinstance(each, ast.Name) and each.id != "__all__")


def test_everything_that_is_defined_is_named_somewhere_else(root: Path, modules: Modules) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout
    kinds = (".py", ".pyi", ".md", ".sql", ".toml", ".yaml")
    texts = [
        path.read_text() for name in listed.split() if (path := root / name).suffix in kinds and path.exists()
    ]
    words = Counter(word for text in texts for word in re.findall(r"\w+", text))
    unused = [f"{path}: {name}" for path, tree in modules for name in defined_names(tree) if words[name] < 2]
    assert unused == []


@pytest.mark.parametrize(
    "line", ["def unused(): ...", "class Unused: ...", "UNUSED = 1", "class A:\n def unused(self): ..."]
)
def test_what_nobody_names_would_be_seen(line: str) -> None:
    assert {name.lower() for name in defined_names(ast.parse(line))} - {"a"} == {"unused"}


def lines_of_functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every function of a module with its number of lines, from `def` to its end, without its docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first, end = node.body[0], node.end_lineno or node.lineno
            text = 0 if ast.get_docstring(node) is None else (first.end_lineno or 0) - first.lineno + 1
            yield node.name, end - node.lineno + 1 - text


def test_a_function_is_short_enough_to_be_read_at_once(modules: Modules) -> None:
    found = {
        f"{path}: {name}": lines
        for path, tree in modules
        for name, lines in lines_of_functions(tree)
        if lines > MOST_LINES
    }
    assert found == {}


@pytest.mark.parametrize("head", ["def long():", "async def long():", "class C:\n  def long(self):"])
@pytest.mark.parametrize("text", ["", '"""A text.\n\n    Of several lines.\n    """\n'])
@pytest.mark.parametrize("lines", [1, MOST_LINES - 1, MOST_LINES])
def test_a_long_function_would_be_seen(head: str, text: str, lines: int) -> None:
    source = f"{head}\n" + "".join(
        f"    {line}\n" for line in filter(None, [text.strip(), *["pass"] * lines])
    )
    assert [*lines_of_functions(ast.parse(source))] == [("long", lines + 1)]


@pytest.mark.parametrize("package", OURS)
def test_no_two_names_of_a_package_differ_by_a_letter(root: Path, package: str) -> None:
    """A folder may be called by the plural of its own first module: `facets/facet.py`."""
    paths = sorted((root / package).rglob("*.py"))
    homes: dict[str, set[Path]] = defaultdict(set)
    for path in paths:
        place = path.parent if path.stem == "__init__" else path.with_suffix("")
        homes[place.name].add(place)
    alike = [
        (one, other)
        for one, other in combinations(sorted(homes), 2)
        if Levenshtein.distance(one, other) <= 1 or one.replace("_", "") == other.replace("_", "")
        if not (other == f"{one}s" and {place.parent for place in homes[one]} == homes[other])
    ]
    assert alike == []


@pytest.mark.parametrize("package", OURS)
def test_no_module_imports_itself_through_others_not_even_later(package: str) -> None:
    graph = grimp.build_graph(package, exclude_type_checking_imports=True)
    arrows = rustworkx.PyDiGraph()
    places = {module: arrows.add_node(module) for module in sorted(graph.modules)}
    for module, place in places.items():
        for imported in graph.find_modules_directly_imported_by(module):
            arrows.add_edge(place, places[imported], None)
    circles = [
        sorted(map(arrows.get_node_data, each)) for each in rustworkx.strongly_connected_components(arrows)
    ]
    assert [each for each in circles if len(each) > 1] == []


def test_the_contracts_between_the_packages_hold(root: Path) -> None:
    answer = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stdout


def test_dagster_is_forbidden_in_all_of_lineage_but_the_orchestration(root: Path) -> None:
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (forbidden,) = [
        set(contract["source_modules"])
        for contract in contracts
        if contract["type"] == "forbidden" and contract["forbidden_modules"] == ["dagster"]
    ]
    parts = {
        f"recsys_lineage.{path.stem}"
        for path in (root / "recsys_lineage").iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and not path.stem.startswith("_")
    }
    assert forbidden == parts - {"recsys_lineage.orchestration"}


def test_one_module_only_touches_private_names_of_dagster(modules: Modules) -> None:
    found = {path: names for path, tree in modules if (names := private_dagster_names(tree))}
    assert set(found) <= {MAY_TOUCH_DAGSTER_INTERNALS}, found


@pytest.mark.parametrize(
    "line",
    [
        "from dagster._core.events import DagsterEvent",
        "import dagster._utils",
        "from dagster import _check",
        "import dagster as dg\nprint(dg._core)",
        "from dagster_shared._record import record",
    ],
)
def test_a_private_name_would_be_seen(line: str) -> None:
    assert private_dagster_names(ast.parse(line))


def test_every_imported_distribution_is_declared(root: Path, modules: Modules) -> None:
    homes, known = packages_distributions(), declared(root)
    undeclared = {
        (path, name)
        for path, tree in modules
        for name in {dotted.split(".")[0] for dotted in imported_names(tree)}
        if name not in OURS and name not in sys.stdlib_module_names and name in homes
        if not {canonicalize_name(home) for home in homes[name]} & known
    }
    assert not undeclared


def test_a_built_wheel_carries_every_file_of_the_packages(root: Path, tmp_path: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", *OURS], cwd=root, capture_output=True, text=True, check=True
    ).stdout.split()
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=root,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in tracked if (root / name).exists()} <= names
    assert {"recsys_assets/deployment/dagster.yaml", "recsys_assets/deployment/workspace.yaml"} <= names


def test_what_the_source_distribution_takes_along_is_there(root: Path) -> None:
    build = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    assert [path for path in build["sdist"]["include"] if not (root / path.lstrip("/")).exists()] == []
