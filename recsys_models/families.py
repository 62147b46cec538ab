"""The registry of model families, by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from recsys_models.fitted.model_files import ModelFileError, read_folder, read_header
from recsys_models.fusion import Fusion
from recsys_models.recommender import Recommender
from recsys_models.single_families import single_families

families: dict[str, type[Recommender]] = {**single_families, Fusion.family: Fusion}
"""Family name → class."""


def load_model(files: Mapping[str, bytes] | str | Path) -> Recommender:
    """The fitted model, of any family, in the files of `Recommender.to_files` or a folder of `Recommender.save`.

    Raises:
        ModelFileError: a file is missing, truncated or altered, or names a family that is not known here.
    """
    if isinstance(files, str | Path):
        files = read_folder(files, "model")
    family = read_header("model", files).get("family")
    if not isinstance(family, str) or family not in families:
        raise ModelFileError(
            f"model.json: expected a family of {sorted(families)}, found {family!r}; upgrade recsys_models"
        )
    return families[family].from_files(files)
