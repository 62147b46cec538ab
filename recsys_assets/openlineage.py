"""The platform's OpenLineage emission: how events are made, and their destinations by the settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from recsys_assets.settings import CODE_LOCATION, Settings, checkout_folder
from recsys_lineage.openlineage.emission import Emission
from recsys_lineage.openlineage.translation.asset_description import AssetDescription

if TYPE_CHECKING:
    from dagster import Definitions

FOLDER = "openlineage"
"""Folder below the home, with the default file of events and the position of each destination."""


def emission(settings: Settings, definitions: Callable[[], Definitions]) -> Emission:
    """The emission of the home's lake: how its events are made, and their destinations.

    Args:
        settings: of the home.
        definitions: function that returns the definitions, called only if they are needed.
    """

    def describe() -> Mapping[str, AssetDescription]:
        from recsys_lineage.orchestration.metadata.described_assets import asset_descriptions

        return asset_descriptions(definitions())

    return Emission(
        settings.home / FOLDER,
        environment=_variables(settings),
        code_location=CODE_LOCATION,
        repository=settings.git_repository or None,
        checkout=checkout_folder(),
        commit=settings.git_commit or None,
        describe=describe,
        workers=settings.openlineage_workers,
    )


def _variables(settings: Settings) -> Mapping[str, str]:
    """The variables that the client would read: those of the process and those in `.env`."""
    written = {name: text for name, text in dotenv_values(".env").items() if text is not None}
    return {**written, **os.environ, **settings.as_environment()}
