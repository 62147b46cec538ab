"""Orders whose customer stands on the first of their lines alone: all their lines are that customer's."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_assets.proposal.sample.first_lines import filled_by_first_lines
from tests.proposal.public_files import proposed
from tests.proposal.shop_files import loaded

ORDERS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4)), min_size=3, max_size=12)
"""For each order its customer, 0 for a guest, and how many lines it has."""


@settings(deadline=None, max_examples=8, suppress_health_check=[*HealthCheck])  # pyright: ignore[reportArgumentType]
@given(
    orders=ORDERS.filter(
        lambda orders: {1, 2} <= {who for who, _ in orders} and max(n for _, n in orders) > 1
    )
)
def test_every_line_of_an_order_is_its_customer_s_and_a_guest_s_is_refused(
    orders: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows, expected, guests = [], [], 0
    for number, (who, lines) in enumerate(orders):
        for line in range(lines):
            email = f"c{who}@x.org" if who and line == 0 else ""
            paid = "2024-01-02 10:00:00" if line == 0 else ""
            rows.append(f"#{1000 + number},{email},{paid},sku{line},{number + 1}.50,1")
            if who:
                expected.append((f"c{who}@x.org", f"sku{line}", f"#{1000 + number}"))
            else:
                guests += 1
    folder = tmp_path_factory.mktemp("shop")
    text = "Name,Email,Paid at,Lineitem sku,Lineitem price,Lineitem quantity\n" + "\n".join(rows) + "\n"
    proposed(folder, {"orders_export.csv": text})
    events, rejected = loaded(folder / "source", folder / "data")
    if guests <= sum(lines - 1 for who, lines in orders if who):
        assert sorted(events["user_id", "item_id", "order_id"].iter_rows()) == sorted(expected)
        assert rejected["reason"].to_list() == ["missing user id"] * guests
        assert events["event_time"].null_count() == 0


@pytest.mark.parametrize(
    ("who", "told"),
    [
        (["a", None, "b", None, "c", None], True),
        (["a", None, "b", "x", "c", None], False),  # two customers in an order
        ([None, "a", "b", None, "c", None], False),  # not on the first line
        (["a", None, None, None, "c", "c"], False),  # most of what is empty is of an order without a customer
        (["a", None, None, None, "c", None], True),
    ],
)
def test_a_column_is_filled_where_orders_have_one_value_on_their_first_line(who: list, told: bool) -> None:
    frame = pl.DataFrame({"order": ["1", "1", "2", "2", "3", "3"], "who": who, "what": list("xyxyxy")})
    assert filled_by_first_lines(frame) == ({"who": ["order"]} if told else {})
