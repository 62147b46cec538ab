"""A table that is one SQL file is declared once, in the module of its name, and its checks are its own."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from recsys_assets.assets.catalogue import SQL_TABLES
from recsys_assets.assets.sql_table import SqlTable
from recsys_assets.settings import Settings
from recsys_assets.shop.loaded_source import load_source
from recsys_lineage.assets.asset_code import AssetCode
from recsys_lineage.assets.code.covered_code import CoveredCode
from recsys_lineage.assets.code.reachable_code import Codebase
from recsys_lineage.orchestration.defined_assets import asset_codes
from tests.platform.shop import SOURCE

ROOT = Path(__file__).parents[2]
SQL = ROOT / "recsys_assets" / "sql"
NOT_ASSETS = {"macros", "service"}
"""Folders of SQL that assets written in Python read."""
MODULES = {table.name: f"recsys_assets.assets.{table.group}.{table.name}" for table in SQL_TABLES}


@pytest.fixture(scope="module")
def codes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, AssetCode]:
    """The tables of a small shop, by name; look, do not touch."""
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    return asset_codes([table.asset(load_source(SOURCE), settings) for table in SQL_TABLES])


def covered(code: AssetCode) -> Iterator[tuple[str, CoveredCode]]:
    """The code behind an asset's version and behind that of each of its checks, by name."""
    assert code.covers is not None
    yield code.name, code.covers
    for check in code.checks:
        if check.function is not None:
            yield f"{code.name}: {check.name}", CoveredCode(check.function)


def test_every_sql_file_has_one_declaration_and_every_declaration_a_file() -> None:
    files = {
        str(path.relative_to(SQL))
        for path in SQL.rglob("*.sql")
        if path.parent.name not in NOT_ASSETS and not path.stem.startswith("_")
    }
    assert sorted(table.sql for table in SQL_TABLES) == sorted(files)


def test_a_declaration_is_in_the_module_of_its_name_and_catalogued() -> None:
    for table in SQL_TABLES:
        assert importlib.import_module(MODULES[table.name]).TABLE is table
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "recsys_assets").rglob("*.py")
        if f"= {SqlTable.__name__}(" in path.read_text()
    ]
    assert sorted(names) == sorted(MODULES.values())


def test_a_table_does_not_cover_what_is_declared_of_another(codes: dict[str, AssetCode]) -> None:
    for table, code in codes.items():
        for name, each in covered(code):
            declared = each.by_module().keys() & {*MODULES.values()}
            assert declared <= ({MODULES[table]} if name != table else set()), name


def test_an_edit_of_a_check_changes_its_version_alone(codes: dict[str, AssetCode]) -> None:
    path = ROOT / "recsys_assets" / "assets" / "clean" / "events.py"
    text, line = path.read_text(), "    unknown = {name: count for name, count in counts.items()"
    assert text.count(line) == 1
    plain = Codebase("recsys_assets")
    edited = Codebase("recsys_assets", replaced={path: text.replace(line, f"    pass\n{line}")})
    changed = {
        name
        for code in codes.values()
        for name, each in covered(code)
        for roots in [each.codebase()[1]]
        if plain.digest_of_reached(roots) != edited.digest(edited.reach(roots))
    }
    assert changed == {"events: behaviours_are_known"}
