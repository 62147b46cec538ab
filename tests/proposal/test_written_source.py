"""A proposal writes its folder whole or not at all, and none over another."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from recsys_assets.proposal.proposal import FolderInUse, propose
from tests.proposal.shop_files import write


def test_a_folder_in_use_is_left_as_it_is(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ["date", "customer", "sku"], [["2024-01-13", "u", "i"]], ",", "utf-8")
    proposal = propose("Twice", [tmp_path / "a.csv"])
    proposal.write(tmp_path / "source")
    before = {path.name: path.read_text() for path in (tmp_path / "source").iterdir()}
    with pytest.raises(FolderInUse):
        proposal.write(tmp_path / "source")
    assert {path.name: path.read_text() for path in (tmp_path / "source").iterdir()} == before


def test_a_source_that_a_disk_has_no_room_for_leaves_nothing_and_can_be_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.csv", ["date", "customer", "sku"], [["2024-01-13", "u", "i"]], ",", "utf-8")
    proposal, folder = propose("Full", [tmp_path / "a.csv"]), tmp_path / "source"
    write_text = Path.write_text

    def full(path: Path, text: str, **options: Any) -> int:
        if path.name == "source.toml":
            path.touch()
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_text(path, text, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match=f"No space left on device: '{folder}'"):
            proposal.write(folder)
    assert not list(folder.iterdir())
    assert {path.name for path in proposal.write(folder)} == set(proposal.files)
