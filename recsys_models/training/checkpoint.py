"""Checkpoints: the last epoch of a fit on disk, from which an interrupted fit continues."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from recsys_models.fitted.model_files import ModelFileError, from_files, read_folder, to_files, write_folder

NAME = "checkpoint"


@dataclass(frozen=True)
class Checkpoint:
    """The checkpoint of one fit: folders `<identity>-<epoch>`, of which only the newest stays, and none after the fit.

    A fit of other data, parameters or another seed has another identity, so it neither sees nor removes this one.
    """

    folder: Path
    identity: str

    def save(self, epoch: int, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Store this epoch in place of the previous one; a crash meanwhile leaves one complete epoch in place."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{self.identity}-", dir=self.folder))
        try:
            write_folder(draft, to_files(NAME, {**header, "epoch": epoch}, arrays))
            place = self._place(epoch)
            if place.exists():
                shutil.rmtree(place)
            os.replace(draft, place)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        for older in self._saved():
            if older != place:
                shutil.rmtree(older, ignore_errors=True)

    def load(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
        """Header and arrays of the newest complete epoch, or None; a damaged one is skipped."""
        for place in reversed(self._saved()):
            try:
                return from_files(NAME, read_folder(place, NAME))
            except (ModelFileError, OSError):
                continue
        return None

    def remove(self) -> None:
        """Remove the files of this fit, drafts of killed attempts included."""
        if not self.folder.is_dir():
            return
        for place in (*self._saved(), *self.folder.glob(f".{self.identity}-*")):
            shutil.rmtree(place, ignore_errors=True)

    def _place(self, epoch: int) -> Path:
        return self.folder / f"{self.identity}-{epoch:06d}"

    def _saved(self) -> list[Path]:
        return sorted(self.folder.glob(f"{self.identity}-*"))
