"""A home belongs to a source: another one is refused with the way out, and nothing of the home is touched."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from recsys_assets.dagster_ui import run_ui
from recsys_assets.settings import load_settings
from recsys_assets.shop.home_source import MARK, OtherSource, require_own_source
from recsys_assets.shop.loaded_source import SETTINGS
from tests.platform.conftest import Shop


@pytest.fixture
def loaded(new_shop: Shop) -> Shop:
    """A shop whose files are known to its home."""
    done = new_shop.recsys("materialize", "source_files")
    assert done.exit_code == 0, done.output
    return new_shop


def versions(shop: Shop) -> dict[str, int | None]:
    return {name: table["version"] for name, table in shop.tables().items()}


@pytest.mark.slow
@pytest.mark.parametrize("other", ["RECSYS_SOURCE", pytest.param("RECSYS_DATA", marks=pytest.mark.slow)])
def test_another_source_is_refused_until_it_is_said_to_be_meant(
    loaded: Shop, tmp_path: Path, other: str
) -> None:
    data = {"RECSYS_DATA": str(tmp_path / "others")}
    shutil.copytree(loaded.data, data["RECSYS_DATA"])
    changed = {"RECSYS_SOURCE": "complete-journey"} if other == "RECSYS_SOURCE" else data
    before = versions(loaded)

    for command in ("demo", "materialize"):
        refused = loaded.recsys(command, **changed)
        assert refused.exit_code == 1
        assert "belongs to another source" in refused.output
        assert "recsys adopt" in refused.output
        assert changed[other] in refused.output
    assert versions(loaded) == before

    assert loaded.recsys("adopt", **changed).exit_code == 0
    assert loaded.recsys("materialize", "source_files").exit_code == 1, "it is the other's now"
    if other == "RECSYS_DATA":
        assert loaded.recsys("materialize", "source_files", **changed).exit_code == 0


@pytest.mark.slow
def test_the_same_files_with_mended_sql_of_another_folder_are_the_same_shop(
    loaded: Shop, tmp_path: Path
) -> None:
    mended = tmp_path / "release-2" / "source"
    shutil.copytree(loaded.environment["RECSYS_SOURCE"], mended)
    users = mended / "raw_users.sql"
    users.write_text(users.read_text().replace("age AS", "upper(age) AS"))
    assert loaded.recsys("materialize", "source_files or raw_users").exit_code == 0
    done = loaded.recsys("materialize", "source_files or raw_users", "--reuse", RECSYS_SOURCE=str(mended))
    assert done.exit_code == 0, done.output
    assert loaded.rows("SELECT DISTINCT age_group FROM {raw_users} ORDER BY 1") == [("OLD",), ("YOUNG",)]
    assert str(mended) in (loaded.home / MARK).read_text()


def test_the_browser_interface_is_refused_too(loaded: Shop, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (
        "DAGSTER_HOME",
        *loaded.environment,
    ):  # what run_ui puts into the environment goes with the test
        if name.startswith(("RECSYS_", "DAGSTER_")):
            monkeypatch.setenv(name, loaded.environment.get(name, ""))
    with pytest.raises(OtherSource):
        run_ui(load_settings(data=tmp_path), port=0)


def test_a_source_whose_settings_are_gone_is_refused_until_it_is_said_to_be_meant(loaded: Shop) -> None:
    toml = Path(loaded.environment["RECSYS_SOURCE"], SETTINGS)
    text = toml.read_text() if toml.exists() else ""
    toml.write_text(text)
    settings = load_settings(home=loaded.home, source=str(toml.parent), data=loaded.data)
    require_own_source(settings)  # a home that was marked before it had settings takes note of them
    toml.unlink()
    refused = loaded.recsys("materialize", "source_files")
    assert refused.exit_code == 1
    assert f"no {SETTINGS} any more" in refused.output and "recsys adopt" in refused.output
    toml.write_text(text)
    require_own_source(settings)
    toml.unlink()
    assert loaded.recsys("adopt").exit_code == 0
    require_own_source(settings)


def test_a_home_without_a_mark_is_of_the_first_that_asks(loaded: Shop) -> None:
    (loaded.home / MARK).unlink()
    assert loaded.recsys("materialize", "source_files").exit_code == 0
    assert loaded.recsys("materialize", "source_files", RECSYS_DATA=str(loaded.home)).exit_code == 1


def test_a_home_that_moves_with_its_files_stays_of_its_source(loaded: Shop, tmp_path: Path) -> None:
    there = tmp_path / "moved"
    there.mkdir()
    os.rename(loaded.home, there / "home")
    os.rename(loaded.data, there / "data")
    settings = load_settings(
        home=there / "home", data=there / "data", source=loaded.environment["RECSYS_SOURCE"]
    )
    require_own_source(settings)
