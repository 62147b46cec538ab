"""The doctor finds what is wrong, says how to fix it, changes nothing and never fails itself."""

from pathlib import Path

import pytest

from recsys_assets.cli.doctor import Check, _source, diagnose
from recsys_assets.settings import Settings, load_settings

pytestmark = pytest.mark.usefixtures("elsewhere")


def examined(settings: Settings) -> dict[str, Check]:
    return {check.name: check for check in diagnose(settings)}


def test_on_a_sound_machine_all_is_well_and_nothing_is_written(elsewhere: Path) -> None:
    checks = examined(load_settings(home="shop", top_k=5))
    ours = {name: check for name, check in checks.items() if name not in ("disk", "memory")}
    assert not [check for check in ours.values() if not check.ok]
    assert "dagster 1.13" in checks["packages"].found
    assert "torch 2" in checks["models"].found
    assert "dgl" in checks["models"].found
    assert "RECSYS_TOP_K=5" in checks["settings"].found
    assert "complete-journey" in checks["source"].found
    assert "SQLite" in checks["database"].found
    assert not list(elsewhere.iterdir())


def test_everything_wrong_at_once_is_reported_at_once(elsewhere: Path) -> None:
    (elsewhere / "taken").write_text("")
    checks = examined(
        load_settings(
            home="taken/home",
            source="complete-journy",
            lake="gs://bucket",
            device="cuda",
            postgres_url="postgresql://shop:open-sesame@127.0.0.1:1/shop",
        )
    )
    wrong = {name for name, check in checks.items() if not check.ok}
    has_cuda = "CUDA" in checks["device"].found and checks["device"].ok
    assert wrong >= {"home", "source", "lake", "database"} | (set() if has_cuda else {"device"})
    assert all(checks[name].advice for name in wrong)
    assert "Did you mean 'complete-journey'" in checks["source"].advice
    assert "open-sesame" not in str(checks)


def test_a_data_folder_without_files_is_reported(elsewhere: Path) -> None:
    (elsewhere / "empty").mkdir()
    assert "0 files" in _source(load_settings(source="online-retail", data="empty")).found
    missing = _source(load_settings(source="online-retail", data="absent"))
    assert not missing.ok
    assert str(elsewhere / "absent") in missing.found
