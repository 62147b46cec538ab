"""What a run keeps of its fits for the run after it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from recsys_assets.assets.model.resumable_fit import RETENTION_DAYS, ResumableFits
from recsys_lineage.assets.asset_code import Request
from recsys_models import Interactions, Popularity

DATA = Interactions.from_arrays([1, 1, 2], [1, 2, 2])


def fits(work: Path | None, code: str = "one") -> ResumableFits:
    reads: Any = SimpleNamespace(reads=(SimpleNamespace(name="split", fingerprint="f"),))
    return ResumableFits(Request(code_version=code, work=work), reads)


def fitted(folders: list[Path | None]) -> Any:
    def fit(folder: Path | None) -> Popularity:
        folders.append(folder)
        return Popularity().fit(DATA)

    return fit


def test_a_killed_run_goes_on_only_where_it_had_done_something(tmp_path: Path) -> None:
    first = fits(tmp_path)
    place = first.folder("full")
    assert place is not None and not first.resumed
    second = fits(tmp_path)
    assert second.folder("full") == place and not second.resumed, "nothing was kept before the kill"
    (place / "checkpoint").write_text("epoch 1")
    third = fits(tmp_path)
    assert third.folder("full") == place and third.resumed


def test_a_fit_that_was_done_is_not_done_again(tmp_path: Path) -> None:
    folders: list[Path | None] = []
    model = fits(tmp_path).model("full", fitted(folders), Popularity.load)
    again = fits(tmp_path)
    assert again.model("full", fitted(folders), Popularity.load).to_files() == model.to_files()
    assert len(folders) == 1 and again.resumed
    assert fits(tmp_path, code="other").folder("full") != folders[0]


def test_a_damaged_fit_is_done_again(tmp_path: Path) -> None:
    folders: list[Path | None] = []
    fits(tmp_path).model("full", fitted(folders), Popularity.load)
    assert folders[0] is not None
    (folders[0] / "done" / "model.json").write_text("{}")
    fits(tmp_path).model("full", fitted(folders), Popularity.load)
    assert len(folders) == 2


def test_what_nobody_came_back_for_is_removed_after_a_week(tmp_path: Path) -> None:
    old = fits(tmp_path).folder("full")
    assert old is not None
    week = time.time() - (RETENTION_DAYS + 1) * 86_400
    os.utime(old, (week, week))
    new = fits(tmp_path, code="other")
    assert not old.exists()
    new.folder("full")
    new.close()
    assert list(tmp_path.iterdir()) == []


def test_where_the_run_keeps_nothing_the_fit_gets_no_folder() -> None:
    folders: list[Path | None] = []
    fits(None).model("full", fitted(folders), Popularity.load)
    assert folders == [None]
