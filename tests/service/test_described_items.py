"""Groups: which items share a value, as their definition says."""

from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.service.answers.described_items import Groups


@given(st.lists(st.none() | st.text(max_size=3)))
def test_items_of_one_value_have_one_code_in_the_order_of_their_coming(column: list[str | None]) -> None:
    values: dict[str, int] = {}
    codes = [-1 if each is None else values.setdefault(each, len(values)) for each in column]
    groups = Groups.of(column)
    assert groups.code.tolist() == codes and list(groups.values.items()) == list(values.items())
