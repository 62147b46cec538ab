"""Resumable fits: a killed run resumes from the fits and epochs that it had completed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from recsys_lineage.assets.asset_code import Request
from recsys_lineage.assets.reading.inputs import Inputs

if TYPE_CHECKING:
    from recsys_models import Recommender

RETENTION_DAYS = 7
Fit = Callable[["Path | None"], "Recommender"]
Load = Callable[[Path], "Recommender"]


class ResumableFits:
    """The fits of one run, each in a folder named for the code and the table versions that it depends on.

    Runs of other code or other versions have other folders, so they never mix. Folders of a run that nobody restarted
    are removed after a week.
    """

    def __init__(self, request: Request, inputs: Inputs) -> None:
        self._folder, self._code_version, self._inputs = request.work, request.code_version, inputs
        self._used: list[Path] = []
        self.resumed = False
        if self._folder is not None and self._folder.is_dir():
            _remove_old(self._folder)

    def folder(self, name: str) -> Path | None:
        """The folder with the progress of one part of the run; None if the run keeps nothing."""
        if self._folder is None:
            return None
        place = self._folder / f"{name}-{self._key()}"
        self._used.append(place)
        self.resumed |= place.is_dir() and any(place.iterdir())
        place.mkdir(parents=True, exist_ok=True)
        return place

    def model(self, name: str, fit: Fit, load: Load) -> Recommender:
        """The model that `fit` returns, or returned before the run was killed.

        Args:
            name: of this fit, unique in the run.
            fit: called with the folder for its checkpoints; must depend on nothing but the run's code and reads.
            load: reads a model of a folder: `Recommender.load` of the family, or `load_model` for any.
        """
        from recsys_models import ModelFileError

        place = self.folder(name)
        if place is None:
            return fit(None)
        done = place / "done"
        if done.is_dir():
            try:
                return load(done)
            except ModelFileError:
                shutil.rmtree(done)
        model = fit(place)
        draft = Path(mkdtemp(dir=place))
        model.save(draft)
        if not done.exists():
            os.replace(draft, done)
        return model

    def close(self) -> None:
        """Forget the fits: the run's output is ready."""
        for place in self._used:
            shutil.rmtree(place, ignore_errors=True)

    def _key(self) -> str:
        reads = [(read.name, read.fingerprint) for read in self._inputs.reads]
        return hashlib.sha256(json.dumps([self._code_version, reads]).encode()).hexdigest()[:16]


def _remove_old(folder: Path) -> None:
    for place in folder.iterdir():
        if time.time() - place.stat().st_mtime > RETENTION_DAYS * 86_400:
            shutil.rmtree(place, ignore_errors=True)
