"""A name that is not known is answered with the names that were probably meant."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from recsys_lineage.errors import did_you_mean

names = st.text("abcdefgh_", min_size=5, max_size=12)
ROOT = Path(__file__).parents[2]


@given(name=names, others=st.lists(names, max_size=4), data=st.data())
def test_a_name_without_one_of_its_letters_is_recognised(
    name: str, others: list[str], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(name) - 1))
    misspelt = (name[:place] + name[place + 1 :]).upper()
    asked = did_you_mean(misspelt, [name])
    assert asked == f"Did you mean {name!r}?"
    offered = re.findall(r"'(\w+)'", did_you_mean(misspelt, [name, *others]))
    assert offered and set(offered) <= {name, *others} and len(offered) <= 3


@given(known=st.lists(names))
def test_nothing_is_guessed_where_no_letter_is_shared(known: list[str]) -> None:
    assert did_you_mean("xyz", known) == ""


def test_several_are_joined_in_words() -> None:
    assert did_you_mean("item", ["items", "itemz", "itema", "user"]).count(" or ") == 1


def test_one_place_only_guesses_names() -> None:
    found = [
        str(path.relative_to(ROOT))
        for package in ("recsys_assets", "recsys_lineage")
        for path in sorted((ROOT / package).rglob("*.py"))
        if re.search(r"get_close_matches|SequenceMatcher", path.read_text())
    ]
    assert found == ["recsys_lineage/errors.py"]
