"""A file of rules with an error is refused with the line, and with what was probably meant."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from recsys_assets.service.answers.rules import Rules, RulesError

WRONG = {
    "[bougth]\nagain_after_days = 3": (1, "Did you mean 'bought'"),
    "[bought]\nagain_after_days = true": (2, "Expected: a number"),
    "[bought]\nagain_after_days = '3'": (2, "Expected: a number, without quotes"),
    "# ours\n[filter]\nnever = ['a']": (2, "begin each of them with [[filter]]"),
    "[[filter]]\nnever = 'a'": (2, "Expected: a list"),
    "[[pin]]\nitem = 1029743": (2, "Expected: a text, in quotes"),
    "[[pin]]\nitem = 'a'\n\n[[pin]]\nposition = 2\nitm = 'b'": (6, "Did you mean 'item'"),
    "[[at_most]]\nn = 3\n\n[[at_mots]]\nn = 2": (4, "Did you mean 'at_most'"),
    "[[pin]]\nitem = 'a'\nfirst_day = 2026-02-01\nlast_day = 2026-01-01": (
        1,
        "does not lie before first_day",
    ),
    "exploration = 3": (1, "Expected: a table"),
    "[[at_most]]\nn = 0": (2, "Expected: a number of at least 1"),
    "[exploration]\nshare = nan": (2, "Expected: a number of at most 1"),
    "[bought]\nagain_after_days = 1.5": (2, "Expected: a whole number"),
    "[[pin]]\nitem = 'a'\nfirst_day = 2026-02-01T10:00:00": (3, "Expected: a day without a time of day"),
    "[[pin]]\nitem = 'a'\n\n[[pin]]\nposition = 2": (4, "pin 2 item is missing"),
    "[[boost]]\nup = 3": (1, "it needs an item or a value"),
}


@pytest.mark.parametrize("text", WRONG)
def test_an_error_is_told_with_its_line(text: str, tmp_path: Path) -> None:
    path, (line, words) = tmp_path / "rules.toml", WRONG[text]
    path.write_text(text)
    with pytest.raises(RulesError) as raised:
        Rules.load(path)
    assert f"{path}:{line}\n" in str(raised.value) + "\n"
    assert words in str(raised.value)


NO_FILE: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "something else": os.mkfifo,  # whoever opened it would wait for its writer
    "a link that leads nowhere": lambda path: path.symlink_to("nowhere.toml"),
}


@pytest.mark.parametrize("found", NO_FILE)
def test_what_is_no_file_is_told_and_not_taken_for_a_file_that_says_nothing(
    found: str, tmp_path: Path
) -> None:
    NO_FILE[found](tmp_path / "rules.toml")
    with pytest.raises(RulesError, match=f"Found: {found}"):
        Rules.load(tmp_path / "rules.toml")
    assert Rules.load(tmp_path / "none.toml") == Rules()


def test_numbers_that_are_meant_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("[exploration]\nshare = 1\namong = 3")
    assert Rules.load(path).exploration.share == 1.0
