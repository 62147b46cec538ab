"""What one run of an asset may set otherwise than the settings: its settings, and its family's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from typing import Any

from recsys_assets.settings import Settings, checked_setting
from recsys_lineage.assets.options import Option
from recsys_models.parameter_texts import parameter_texts
from recsys_models.parameters import checked, kinds
from recsys_models.recommender import Recommender


def setting_options(parameters: Mapping[str, Any]) -> dict[str, Option]:
    """The options of an asset's parameters that are named like settings, which say what they mean and may be."""
    return {
        name: Option(known.annotation, value, known.description or "", partial(checked_setting, name))
        for name, value in parameters.items()
        if (known := Settings.model_fields.get(name)) is not None
    }


def family_options(family: type[Recommender]) -> dict[str, Option]:
    """The options of a family's parameters, as its class has them."""
    texts, types = parameter_texts(family), kinds(family)
    return {
        each.name: Option(
            types[each.name], each.default, texts[each.name], partial(checked, family, each.name)
        )
        for each in fields(family)
        if each.init
    }
