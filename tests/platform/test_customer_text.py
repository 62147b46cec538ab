"""One customer in words: what they did is called what the source calls it."""

from __future__ import annotations

import pytest

from recsys_assets.cli.terminal_output import customer_text
from recsys_assets.runs.queries import CustomerAnswer

_HAD = {"item_id": "p", "title": "Mug", "times": 2, "last_time": None}
_RECOMMENDED = {"rank": 1, "item_id": "q", "title": "Cup", "reason": "popular with other customers"}


@pytest.mark.parametrize(
    ("target", "had", "first"),
    [
        ("purchase", [_HAD], "bought most often:"),
        ("order", [_HAD], "bought most often:"),
        ("interaction", [_HAD], "has most often (interaction):"),
        ("purchase", [], "has bought nothing yet"),
        ("interaction", [], "has no interaction yet"),
    ],
)
def test_only_who_bought_is_said_to_have_bought(
    target: str, had: list[dict[str, object]], first: str
) -> None:
    lines = customer_text(CustomerAnswer("u7", had, [_RECOMMENDED], target))
    assert lines[0] == f"[bold]Customer u7[/bold] {first}"
    assert [line for line in lines if "Mug" in line] == ["  Mug (2 times)"] * len(had)
    assert lines[-2:] == ["and is recommended:", "   1. Cup, popular with other customers"]


def test_items_of_one_title_are_told_apart_by_their_ids() -> None:
    """Where a source has no names of products, all of a category may be called like it."""
    had = [_HAD | {"item_id": f"p{n}", "title": "toys" if n else "Mug"} for n in range(3)]
    listed = [
        {"rank": n, "item_id": f"q{n}", "title": "toys", "reason": "because you bought toys", "like_item_id": "p1"}
        for n in (1, 2)
    ]  # fmt: skip
    lines = customer_text(CustomerAnswer("u7", had, listed, "purchase"))
    assert lines[1:4] == ["  Mug (2 times)", "  toys (p1) (2 times)", "  toys (p2) (2 times)"]
    assert lines[-2:] == [f"   {n}. toys (q{n}), because you bought toys (p1)" for n in (1, 2)]
