"""Options of one run of an asset: settings and family parameters that may differ from the configured ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from typing import Any

from recsys_assets.settings import Settings, SettingsError, checked_setting, variable
from recsys_lineage.assets.options import Option, OptionRefused, set_parameters
from recsys_lineage.errors import did_you_mean
from recsys_models.families import families
from recsys_models.parameters.parameter_texts import parameter_texts
from recsys_models.parameters.parameters import checked, kinds
from recsys_models.recommender import Recommender


def setting_options(parameters: Mapping[str, Any]) -> dict[str, Option]:
    """The options of an asset's parameters that are named like settings, with the settings' descriptions and limits."""
    return {
        name: Option(known.annotation, value, known.description or "", partial(checked_setting, name))
        for name, value in parameters.items()
        if (known := Settings.model_fields.get(name)) is not None
    }


def family_options(family: type[Recommender], params: Mapping[str, Any]) -> dict[str, Option]:
    """The options of a family's parameters; those that `params` does not name have the defaults of its class."""
    texts, types = parameter_texts(family), kinds(family)
    return {
        each.name: Option(
            types[each.name],
            params.get(each.name, each.default),
            texts[each.name],
            partial(checked, family, each.name),
        )
        for each in fields(family)
        if each.init
    }


def family_parameters(text: str) -> dict[str, dict[str, Any]]:
    """The setting `parameters`: family → its parameters that differ from those of its class.

    Raises:
        SettingsError: it is not such a JSON object, a name is not a family, or a value is not allowed.
    """

    def refused(what: str, **parts: str) -> SettingsError:
        return SettingsError(
            f"{variable('parameters')} cannot be used: {what}", where="the environment or .env", **parts
        )

    try:
        found = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise refused(f"it is no JSON: {error}.", expected='such as {"lightgcn": {"layers": 2}}') from None
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise refused("it maps no family to its parameters.", expected='such as {"lightgcn": {"layers": 2}}')
    for family, params in found.items():
        if family not in families:
            raise refused(
                f"there is no family {family!r}.",
                expected=", ".join(families),
                advice=did_you_mean(family, families),
            )
        try:
            set_parameters(family, family_options(families[family], {}), params)
            families[family](**params)
        except OptionRefused as error:
            raise refused(error.message, expected=error.expected or "", advice=error.advice or "") from None
        except ValueError as error:
            raise refused(str(error)) from None
    return found
