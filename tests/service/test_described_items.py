"""Groups: which items share a value, as their definition says; and the texts of items, each held once."""

from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.service.answers.described_items import Groups, descriptions
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from tests.service.small_shop import lake_of


@given(st.lists(st.none() | st.text(max_size=3)))
def test_items_of_one_value_have_one_code_in_the_order_of_their_coming(column: list[str | None]) -> None:
    values: dict[str, int] = {}
    codes = [-1 if each is None else values.setdefault(each, len(values)) for each in column]
    groups = Groups.of(column)
    assert groups.code.tolist() == codes and list(groups.values.items()) == list(values.items())
    assert groups.texts() == column == [groups.value_of(row) for row in range(len(column))]


def test_items_have_their_own_texts_and_equal_ones_are_one_object(tmp_path: Path) -> None:
    titles = {"a": "red lantern", "b": None, "c": "red lantern", "d": "", "e": "blue lantern"}

    def item_profiles() -> pl.DataFrame:
        return pl.DataFrame({"item_id": list(titles), "title": list(titles.values())})

    lake = lake_of(tmp_path)
    materialize(frame_code(item_profiles), lake)
    asked = ["e", "nowhere", "c", "b", "d", "a"]
    found = descriptions(lake, asked)["title"].texts()
    assert found == [titles.get(item) for item in asked]
    again = descriptions(lake, ["a"])["title"].texts()
    assert found[2] is found[5] is again[0]
