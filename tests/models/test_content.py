"""Features and the content family."""

import numpy as np
import polars as pl
import pytest

from recsys_models import Content, Features, Interactions
from tests.models.checkerboard import SIZE, checkerboard


def frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "item_id": np.arange(1000, 1000 + SIZE),
            "price": np.linspace(1, 2, SIZE),
            "colour": ["white", "black"] * (SIZE // 2),
            "title": ["White rook of ivory", "black KNIGHT"] * (SIZE // 2),
        }
    )


def test_text_and_categories_find_the_right_item() -> None:
    board = checkerboard()
    by_category = Features.from_frame(frame(), "item_id", categorical=["colour"])
    by_text = Features.from_frame(frame(), "item_id", text=["title"])
    for features in (by_category, by_text):
        ids, _ = Content().with_features(items=features).fit(board).recommend(board.user_ids, 1)
        assert ids[:, 0].tolist() == list(range(1000, 1000 + SIZE))


def test_an_item_that_nobody_took_is_found_by_its_features() -> None:
    board = checkerboard()
    wider = Interactions.from_arrays(
        board.user_ids[board.user], board.item_ids[board.item], item_ids=np.append(board.item_ids, 5000)
    )
    table = pl.concat(
        [frame(), pl.DataFrame({"item_id": [5000], "price": [1.5], "colour": ["black"], "title": ["x"]})]
    )
    model = (
        Content()
        .with_features(items=Features.from_frame(table, "item_id", categorical=["colour"]))
        .fit(wider)
    )
    assert 5000 in model.recommend([101], 2)[0] and 5000 not in model.recommend([100], 1)[0]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), None])
def test_a_feature_that_is_no_number_is_refused_by_its_column(bad: float | None) -> None:
    table = frame().with_columns(price=pl.Series([bad] + [1.0] * (SIZE - 1)))
    with pytest.raises(ValueError, match=r"column 'price': expected finite numbers.*row 0"):
        Features.from_frame(table, "item_id", numeric=["price"])


def test_names_say_what_a_column_is() -> None:
    features = Features.from_frame(
        frame(), "item_id", numeric=["price"], categorical=["colour"], text=["title"], words=3
    )
    assert features.names[:3] == ("price", "colour=black", "colour=white")
    assert len(features.names) == 6 and features.values.shape == (SIZE, 6)
    with pytest.raises(ValueError, match="each id once"):
        Features.from_frame(pl.concat([frame(), frame()]), "item_id")
    with pytest.raises(ValueError, match="'weight'"):
        Features.from_frame(frame(), "item_id", numeric=["weight"])
