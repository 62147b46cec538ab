"""The code version of an asset covers the code that its runs execute, and no code that it cannot reach."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import recsys_assets.assets.catalogue  # noqa: F401  (its modules are looked through for code versions)
from recsys_assets.assets.serving.reports import ReportFiles, metrics_frame, recommendations_frame
from recsys_assets.shop.loaded_source import built_in_sources
from recsys_lineage.assets.asset_code import AssetCode
from recsys_lineage.assets.code.code_version import code_version, codebase_around, reachable
from recsys_lineage.assets.code.reachable_code import Codebase, Definition
from recsys_lineage.assets.code.syntax.module_source import ModuleSource
from recsys_lineage.assets.materialize import Outcome
from recsys_lineage.orchestration import asset_run
from recsys_lineage.proof.observed.observed_code import ObservedCode
from recsys_models import families
from tests.examples import JUDGES
from tests.platform.conftest import Shop, opened
from tests.platform.shop import write_shop

ROOT = Path(__file__).parents[2]
PACKAGES = ("recsys_lineage", "recsys_models", "recsys_assets")
FAMILIES = {"RECSYS_FAMILIES": ",".join(families), "RECSYS_TRIALS": "2"}
EVERY = 32
"""Of the modules that ran, of how many one is edited to see that just the assets that reach it change."""
Roots = dict[str, tuple[Definition, ...]]


@contextmanager
def recorded_roots(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, tuple[Definition, ...]]]:
    """Code version → the definitions that it starts from, for every code version made meanwhile."""
    found: dict[str, tuple[Definition, ...]] = {}
    with monkeypatch.context() as patched:
        for module in [each for name, each in sys.modules.items() if name.startswith(PACKAGES)]:
            if getattr(module, "code_version", None) is not code_version:
                continue

            def version(root: object, parameters: Any, *, true: Any = code_version, **options: Any) -> str:
                made = true(root, parameters, **options)
                _, found[made] = codebase_around(root, parameters, **options)
                return made

            patched.setattr(module, "code_version", version)
        yield found


def all_roots(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Roots:
    """Every asset's roots, with every family in the shop."""
    with recorded_roots(monkeypatch) as found, opened(shop, **FAMILIES) as platform:
        return {name: found[code.code_version] for name, code in platform.codes.items()}


def path_of(module: str) -> Path:
    path = Codebase("recsys_assets").path(module)
    assert path is not None
    return path


def with_a_statement(definition: Definition) -> str:
    """The text of a definition's module, with one more statement at the end of the definition."""
    text = path_of(definition.module).read_text()
    lines = text.split("\n")
    for node in reversed(ast.parse(text).body):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == definition.name:
            last = node.body[-1]
            assert last.end_lineno is not None and last.lineno > node.lineno
            lines.insert(last.end_lineno, f"{' ' * last.col_offset}pass")
            return "\n".join(lines)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if definition.name in {
                name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
            }:
                assert node.end_lineno is not None and node.end_col_offset is not None
                line = lines[node.end_lineno - 1].encode()
                lines[node.end_lineno - 1] = (
                    line[: node.end_col_offset] + b" or 0" + line[node.end_col_offset :]
                ).decode()
                return "\n".join(lines)
    raise AssertionError(f"{definition} is not there")


def edited(definition: Definition) -> Codebase:
    """The code in which one definition has one more statement."""
    return Codebase("recsys_assets", replaced={path_of(definition.module): with_a_statement(definition)})


def versions(roots: Roots, codebase: Codebase) -> dict[str, str]:
    """Every asset's code alone, as a digest."""
    digests = {each: codebase.digest(codebase.reach(each)) for each in set(roots.values())}
    return {name: digests[each] for name, each in roots.items()}


def reached(roots: Roots, codebase: Codebase) -> dict[str, frozenset[Definition]]:
    found = {each: frozenset(codebase.reach(each)) for each in set(roots.values())}
    return {name: found[each] for name, each in roots.items()}


# --- what runs is covered ---------------------------------------------------------------------------------


class Watched:
    """The code that each asset's compute executes."""

    def __init__(self) -> None:
        self.observed: dict[str, list[ObservedCode]] = defaultdict(list)

    def asset(self, asset: AssetCode) -> AssetCode:
        self.observed[asset.name].append(ObservedCode(asset))
        return self.observed[asset.name][-1].watched()

    def definitions(self, asset: str) -> set[Definition]:
        """The top-level definitions that the asset executed."""
        found = set()
        for executed in (each for observed in self.observed[asset] for each in observed.executed.found):
            path = Path(executed.file)
            if executed.kind != "function" or not path.is_file():  # one that dataclasses made has no file
                continue
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            names = ModuleSource.load(path).names_at(executed.line)
            assert names, f"{path}:{executed.line} is in no definition"
            found |= {Definition(module, name) for name in names}
        return found


@pytest.mark.slow
def test_what_an_asset_executes_is_covered_and_any_edit_of_it_changes_the_version(
    new_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed = Watched()
    true_attempt = asset_run.attempt

    def observed(asset: AssetCode, *arguments: Any, **named: Any) -> Outcome:
        return true_attempt(executed.asset(asset), *arguments, **named)

    monkeypatch.setattr(asset_run, "attempt", observed)
    with recorded_roots(monkeypatch) as found, opened(new_shop, **FAMILIES) as platform:
        names = [*platform.names(), "tuning_popularity", "tuning_lightgcn"]
        assert platform.run(names).success
        assert platform.run(["candidate_lightgcn", "champion"], continues=True).success
        roots = {name: found[code.code_version] for name, code in platform.codes.items()}
    proofs = [observed.proof() for each in executed.observed.values() for observed in each]
    assert not [(proof, unseen) for proof, unseen in proofs if unseen or proof is None or not proof.true]
    covered = reached(roots, Codebase("recsys_assets"))
    missed = {
        name: sorted(beyond) for name in covered if (beyond := executed.definitions(name) - covered[name])
    }
    assert not missed
    ran = {name for name in covered if executed.definitions(name)}
    assert ran >= set(platform.names()) & set(covered), "every asset was seen"
    everything = sorted(set().union(*(executed.definitions(name) for name in ran)))
    assert len(everything) > 250
    for definition in everything:
        before = ModuleSource.load(path_of(definition.module)).digest(definition.name)
        assert ModuleSource(with_a_statement(definition)).digest(definition.name) != before, definition
    plain = versions(roots, Codebase("recsys_assets"))
    for definition in list({each.module: each for each in everything}.values())[::EVERY]:
        changed = {
            name for name, version in versions(roots, edited(definition)).items() if version != plain[name]
        }
        assert changed == {name for name in covered if definition in covered[name]}, definition


# --- what cannot run is not -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unedited:
    """The assets of a shop with every family, their code alone as digests, and the definitions that they reach."""

    roots: Roots
    codebase: Codebase
    versions: dict[str, str]


@pytest.fixture(scope="module")
def unedited(tmp_path_factory: pytest.TempPathFactory) -> Unedited:
    """The code as it is; look, do not touch."""
    folder = tmp_path_factory.mktemp("unedited")
    with pytest.MonkeyPatch.context() as patched:
        roots = all_roots(Shop(folder / "home", write_shop(folder / "data")), patched)
    codebase = Codebase("recsys_assets")
    return Unedited(roots, codebase, versions(roots, codebase))


@pytest.mark.slow
def test_an_edit_of_a_module_changes_only_what_reaches_into_it(unedited: Unedited) -> None:
    roots, plain = unedited.roots, unedited.versions
    covered = reached(roots, unedited.codebase)
    edits: dict[str, tuple[Path, ModuleSource]] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            body = ast.parse(path.read_text()).body
            names = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
            if names:
                edits[module] = path, ModuleSource(with_a_statement(Definition(module, names[-1])))
    starts = {each: asset for asset, each in roots.items()}  # many start from the same code
    for each, asset in [*starts.items()][:: 4 if JUDGES else 1]:
        beyond = edits.keys() - {definition.module for definition in covered[asset]}
        assert beyond
        codebase = Codebase("recsys_assets", replaced=dict(edits[module] for module in beyond))
        assert codebase.digest(codebase.reach(each)) == plain[asset], f"{asset} reaches none of {beyond}"


def test_families_gates_and_tables_do_not_reach_what_is_not_theirs(unedited: Unedited) -> None:
    roots, plain = unedited.roots, unedited.versions

    def changed(module: str, name: str) -> set[str]:
        after = versions(roots, edited(Definition(module, name)))
        return {asset for asset in roots if after[asset] != plain[asset]}

    everywhere = {
        "evaluation", "champion", "recommendations", "similar_items", "user_embeddings", "item_embeddings",
        "off_policy_report",
    }  # fmt: skip
    assert changed("recsys_models.gat", "GAT") == {
        "candidate_gat",
        "tuning_gat",
        "candidate_fusion",  # whose members may be any family
        *everywhere,
    }
    assert changed("recsys_models.evaluation.significance", "paired_bootstrap") == {"gate"}
    candidates = {f"candidate_{family}" for family in families}
    assert changed("recsys_assets.assets.serving.served_tables", "_vectors") == {
        "user_embeddings",
        "item_embeddings",
    }
    assert changed("recsys_assets.assets.model.gate", "_scores_by_user") == {"gate"}
    assert candidates <= changed("recsys_lineage.lake.blobs", "blob_table")
    assert candidates | {"interaction_graph"} <= changed("recsys_models.data.interactions", "Interactions")
    raw_tables = {"source_files", "raw_events", "raw_users", "raw_items", "raw_promotions"}
    raw_tables |= {"feedback_files", "exposures", "feedback", "searches"}
    assert changed("recsys_lineage.files.scan", "open_scan") == raw_tables
    assert changed("recsys_lineage.lake.lake", "Lake") == set(roots)
    assert not changed("recsys_lineage.orchestration.lineage_asset", "lineage_asset")


def test_the_raw_tables_of_a_shop_do_not_cover_the_sql_of_the_other_sources(unedited: Unedited) -> None:
    codebase = unedited.codebase
    loads = codebase.reach([Definition("recsys_assets.shop.loaded_source", "load_source")])
    assert any(files_of_sources(codebase, each) for each in loads)
    for asset, roots in unedited.roots.items():
        assert not any(files_of_sources(codebase, each) for each in codebase.reach(roots)), asset


def files_of_sources(codebase: Codebase, definition: Definition) -> list[str]:
    """The files of built-in sources that a definition covers, each with a hash of its content."""
    folders = tuple(f"{name}/" for name in built_in_sources())
    targets = [target for target in codebase.uses(definition).targets if isinstance(target, str)]
    return [target for target in targets if target.startswith(folders)]


def test_the_reports_cover_what_they_write() -> None:
    found = reachable(metrics_frame, more_roots=(ReportFiles,))
    assert {"_csv", "_parquet", "ReportFiles", "metrics_frame"} <= {each.name for each in found}
    assert reachable(recommendations_frame) != reachable(metrics_frame)
