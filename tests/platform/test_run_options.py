"""What Dagster's launchpad offers for the shop's assets: by law what families and settings have, and no more."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from recsys_assets.assets.model import candidates
from recsys_assets.assets.model.competing import FAMILIES, candidate_name
from recsys_assets.assets.model.evaluation import checked_cut_offs
from recsys_assets.assets.run_options import family_parameters
from recsys_assets.settings import Settings, SettingsError, checked_setting, load_settings
from recsys_lineage.assets.asset_code import AssetCode, Request
from recsys_lineage.assets.materialize import attempt
from recsys_lineage.assets.options import Option, OptionRefused
from recsys_lineage.orchestration.defined_assets import asset_codes
from recsys_lineage.orchestration.launch_config import launch_config
from recsys_models.families import families
from tests.platform.conftest import Shop, opened
from tests.platform.test_graph import definitions

_HOME = tempfile.TemporaryDirectory(prefix="options-")  # goes with the process


@cache
def every_candidate() -> Mapping[str, AssetCode]:
    """The candidates of all families."""
    settings = load_settings(home=Path(_HOME.name))
    return asset_codes(candidates.assets(FAMILIES, settings))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_candidate_offers_its_familys_parameters_with_their_defaults_and_words(family: str) -> None:
    offered = every_candidate()[candidate_name(family)].options["params"]
    assert isinstance(offered, Mapping)
    assert {name: option.default for name, option in offered.items()} == {
        each.name: each.default for each in fields(families[family]) if each.init
    }
    for name, option in offered.items():
        _, _, words = option.text.partition(": ")
        assert len(words) > 10, f"{family}.{name} is not documented"
        with pytest.raises(ValueError, match=f"^{family}: {name}: expected"):
            option.check(object())


@pytest.mark.parametrize("family", FAMILIES)
def test_the_defaults_written_out_are_the_same_asset(family: str) -> None:
    code = every_candidate()[candidate_name(family)]
    written = {
        name: option.default
        if isinstance(option, Option)
        else {key: each.default for key, each in option.items()}
        for name, option in code.options.items()
    }
    assert code.with_options(written) is code
    other = code.with_options({"seed": 12})
    assert other.parameters["seed"] == 12 and other.code_version != code.code_version


def test_what_dagster_makes_of_an_untouched_launchpad_is_the_asset_as_it_is() -> None:
    asked: dict[str, Any] = {}
    schema = {name: dg.Field(launch_config(code.options)) for name, code in every_candidate().items()}

    @dg.op(config_schema=schema)
    def launched(context):
        asked.update(context.op_config)

    assert dg.GraphDefinition("whole", node_defs=[launched]).to_job().execute_in_process().success
    assert set(asked) == set(every_candidate())
    for name, config in asked.items():
        assert (
            set(config["params"]) and every_candidate()[name].with_options(config) is every_candidate()[name]
        )


def test_every_parameter_that_is_a_setting_can_be_set_for_a_run() -> None:
    codes = asset_codes(definitions().assets or ())
    offered = 0
    for code in codes.values():
        for name, value in code.parameters.items():
            # whether a candidate reads its tuning decides what it depends on, which a run cannot change
            if name in Settings.model_fields and name not in ("tuned", "source", "families"):
                option = code.options[name]
                assert isinstance(option, Option) and option.default == value, (code.name, name)
                assert option.text == Settings.model_fields[name].description
                offered += 1
    assert offered >= 10
    assert set(codes["split"].options) == {"holdout_weeks"}


def test_parameters_of_the_settings_are_the_candidates_defaults(tmp_path: Path) -> None:
    text = '{"spectral": {"exponent": 0.4}, "popularity": {"power": 0}}'
    settings = load_settings(home=tmp_path, parameters=text)
    codes = asset_codes(candidates.assets(["popularity", "spectral", "ease"], settings))
    plain = every_candidate()
    assert codes["candidate_spectral"].parameters["params"] == {"exponent": 0.4}
    offered = codes["candidate_spectral"].options["params"]
    assert isinstance(offered, Mapping) and offered["exponent"].default == 0.4
    changed = {name for name in codes if codes[name].code_version != plain[name].code_version}
    assert changed == {"candidate_spectral", "candidate_popularity"}
    asked = codes["candidate_spectral"].with_options({"params": {"ridge": 9.0}})
    assert asked.parameters["params"] == {"exponent": 0.4, "ridge": 9.0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "it is no JSON"),
        ("[]", "it maps no family to its parameters"),
        ('{"lightgnc": {}}', "Did you mean 'lightgcn'"),
        ('{"lightgcn": {"layer": 2}}', "Did you mean 'layers'"),
        ('{"lightgcn": {"layers": -2}}', "lightgcn: layers: expected a whole number ≥ 0 and ≤ 16 "),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_the_familys_own_words(text: str, told: str) -> None:
    with pytest.raises(SettingsError, match="RECSYS_PARAMETERS cannot be used") as refused:
        family_parameters(text)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("seed", 3, -1),
        ("holdout_weeks", 2, 0),
        ("top_k", 5, 1001),
        ("device", "cpu", "tpu"),
        ("trials", 1, "many"),
    ],
)
def test_a_setting_is_checked_as_it_is_in_the_environment(name: str, value: object, wrong: object) -> None:
    assert checked_setting(name, value) == value
    with pytest.raises(ValueError, match=f"^{name}: expected .*, found {wrong!r}$"):
        checked_setting(name, wrong)


def test_a_candidate_is_made_with_what_a_run_asks_for_and_the_next_one_goes_back(shop: Shop) -> None:
    asked: dict[str, Any] = {"params": {"power": 0.5}, "seed": 9}
    with opened(shop) as platform:
        code = platform.codes["candidate_popularity"]
        before = platform.records.get(code.name).fingerprint
        made = attempt(code, platform.lake, Request(options=asked)).record
        assert made.statistics["params"]["power"] == 0.5 and made.statistics["seed"] == 9
        assert made.parameters["params"] == {"power": 0.5}
        stale = platform.statuses()
        assert stale["candidate_popularity"].stale == (
            "its code or settings changed: it was made with other seed, params"
        )
        assert made.fingerprint != before

        with_continue = Request(reuse=True, continues=True)
        again = attempt(code, platform.lake, with_continue).record
        assert again.status == "success" and again.parameters["params"] == {}
        assert again.fingerprint == before, "the same model, so nothing downstream is stale by it"
        refused = attempt(code, platform.lake, Request(options={"params": {"power": -1}})).error
        assert isinstance(refused, OptionRefused)
        assert "popularity: power: expected a number ≥ 0 or 'auto', found -1" in str(refused)


@pytest.mark.parametrize("wrong", [[10], [], [20, 0], [20, 1001], [20, True], "20", [20, 5.0]])
def test_cut_offs_that_cannot_be_are_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"^cut_offs: expected "):
        checked_cut_offs(wrong)


def test_models_are_judged_by_the_cut_offs_that_a_run_asks_for(shop: Shop) -> None:
    with opened(shop) as platform:
        code = platform.codes["evaluation"]
        made = attempt(code, platform.lake, Request(options={"cut_offs": [50, 20, 5]})).record
        assert made.parameters["cut_offs"] == [5, 20, 50]
        found = shop.rows(
            "SELECT DISTINCT k FROM {evaluation} WHERE level = 'all' AND k IS NOT NULL ORDER BY k"
        )
        assert found == [(5,), (20,), (50,)]
        assert platform.statuses()["evaluation"].stale == (
            "its code or settings changed: it was made with other cut_offs"
        )
