"""The command line turns the lineage layer's advice into its own settings and commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from recsys_assets.cli import advice
from recsys_assets.cli.advice import advice_for
from recsys_assets.cli.command_output import errors_in_words
from recsys_assets.cli.commands import app
from recsys_assets.settings import Settings, variable
from recsys_lineage.assets.reproduction import CannotReproduce, ReadsOutside
from recsys_lineage.errors import LineageError, NoDataFolder
from recsys_lineage.files import list_files
from recsys_lineage.lake.lake import Lake

# What only this project has: its settings, its command and the command's options.
OF_THE_SHOP = re.compile(r"RECSYS_|\brecsys\b(?!-lineage)")
OPTIONS = re.compile(r"\s--[a-z]{2,}")


def test_the_lineage_layer_names_no_setting_and_no_command_of_the_shop(root: Path) -> None:
    found = [
        f"{path.relative_to(root)}:{number}: {line}"
        for path in sorted((root / "recsys_lineage").rglob("*.py*"))
        if path.suffix in (".py", ".pyi")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if OF_THE_SHOP.search(line) or ("cli" not in path.relative_to(root).parts and OPTIONS.search(line))
    ]
    assert found == []


def test_a_lake_that_cannot_be_is_answered_with_the_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done, errors_in_words():
        Lake("gs://bucket/lake")
    assert done.value.code == 1
    said = capsys.readouterr().err
    assert "the scheme 'gs'" in said
    assert "set RECSYS_LAKE to that place" in said


def test_an_error_is_answered_by_what_caused_it(tmp_path: Path) -> None:
    with pytest.raises(LineageError) as raised:
        try:
            list_files(tmp_path / "none", "*.csv")
        except NoDataFolder as error:
            raise LineageError("The source cannot be read.") from error
    assert advice_for(raised.value) == "set RECSYS_DATA to that folder"


def test_an_asset_is_named_and_other_errors_need_nothing_more() -> None:
    assert advice_for(ReadsOutside("x", where="source_files")) == "recsys materialize source_files"
    assert advice_for(CannotReproduce("an input is gone")) is None


def test_every_command_and_setting_that_is_advised_exists() -> None:
    commands = set(getattr(typer.main.get_command(app), "commands"))  # noqa: B009
    settings = {variable(name) for name in Settings.model_fields}
    for text in advice._ADVICE.values():
        assert set(re.findall(r"recsys (\w+)", text)) <= commands
        assert set(re.findall(r"RECSYS_\w+", text)) <= settings


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_a_full_disk_and_a_place_that_is_none_are_told_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    for place, words in (
        (Path("/dev/full"), "No space left on device"),
        (tmp_path, "Is a directory"),
        (tmp_path / "file" / "below", "Not a directory"),
    ):
        with pytest.raises(SystemExit) as done, errors_in_words():
            place.write_bytes(b"rows")
        assert done.value.code == 1
        said = capsys.readouterr().err
        assert words in said and "run again" in said and "Traceback" not in said
    with pytest.raises(FileNotFoundError), errors_in_words():  # a fault of the program
        (tmp_path / "none").read_bytes()
