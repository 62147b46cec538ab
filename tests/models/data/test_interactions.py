"""Interactions: id maps, constructors and what they refuse."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_models import Interactions
from recsys_models.data.recency import DAY, recency_weights

PAIRS = st.lists(
    st.tuples(st.integers(-50, 50), st.sampled_from(["tea", "rye", "jam", "é"])), min_size=1, max_size=60
)


@given(PAIRS)
def test_ids_come_back_as_they_went_in(pairs: list[tuple[int, str]]) -> None:
    users, items = zip(*pairs, strict=True)
    data = Interactions.from_arrays(users, items)
    assert data.user_ids[data.user].tolist() == list(users)
    assert data.item_ids[data.item].tolist() == list(items)
    assert data.matrix().sum() == len(pairs)
    assert data.user_items().nnz == len(set(pairs))


@given(PAIRS, PAIRS)
def test_like_keeps_the_rows_and_appends_unknown_ids(
    first: list[tuple[int, str]], second: list[tuple[int, str]]
) -> None:
    before = Interactions.from_arrays(*zip(*first, strict=True))
    after = Interactions.from_arrays(*zip(*second, strict=True), like=before)
    assert (after.user_ids[: before.n_users] == before.user_ids).all()
    assert (after.item_ids[: before.n_items] == before.item_ids).all()
    assert np.unique(after.user_ids).size == after.n_users
    known = after.within(before)
    assert len(known) == sum(u in before.user_ids and i in before.item_ids for u, i in second)


@given(PAIRS, PAIRS, st.sampled_from([pl.String, pl.Categorical, pl.Enum(["tea", "rye", "jam", "é"])]))
def test_a_frame_gives_what_its_arrays_give(
    first: list[tuple[int, str]], second: list[tuple[int, str]], kind: pl.DataType
) -> None:
    known = None
    for pairs in (first, second):
        users, items = zip(*pairs, strict=True)
        frame = pl.DataFrame({"user_id": users, "item_id": pl.Series(items, dtype=pl.String).cast(kind)})
        framed = Interactions.from_frame(frame, behaviour="item_id", like=known)
        known = Interactions.from_arrays(users, items, behaviour=items, like=known)
        for name in ("user", "item", "behaviour", "user_ids", "item_ids"):
            assert getattr(framed, name).tolist() == getattr(known, name).tolist()
        assert framed.behaviour_names == known.behaviour_names


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=3), min_size=1))
def test_any_text_is_an_id_or_is_refused(items: list[str]) -> None:
    arrays: Any = [0] * len(items), items
    frame = pl.DataFrame({"user_id": [0] * len(items), "item_id": items})
    cut = [row for row, item in enumerate(items) if item.endswith("\0")]
    for make in (lambda: Interactions.from_arrays(*arrays), lambda: Interactions.from_frame(frame)):
        if cut:
            with pytest.raises(ValueError, match=rf"do not end in NUL.* in row {cut[0]}$"):
                make()
        else:
            data = make()
            assert data.item_ids[data.item].tolist() == items
            assert data.item_ids.tolist() == sorted(set(items))


@given(PAIRS, PAIRS)
def test_merging_leaves_each_row_its_ids_and_behaviour(
    first: list[tuple[int, str]], second: list[tuple[int, str]]
) -> None:
    parts = [
        Interactions.from_arrays(users, items, behaviour=items)
        for users, items in (tuple(zip(*pairs, strict=True)) for pairs in (first, second))
    ]
    both = parts[0].merged(parts[1])
    names = np.array(both.behaviour_names)[both.behaviour]
    assert both.user_ids[both.user].tolist() == [user for user, _ in first + second]
    assert both.item_ids[both.item].tolist() == [item for _, item in first + second] == names.tolist()
    assert np.unique(both.item_ids).size == both.n_items


def test_text_beside_numbers_is_refused() -> None:
    numbers = Interactions.from_arrays([1], [1])
    with pytest.raises(ValueError, match="column 'item': expected ids of the kind int64"):
        Interactions.from_frame(pl.DataFrame({"user_id": [1], "item_id": ["tea"]}), like=numbers)


def test_an_id_map_holds_each_id_once() -> None:
    with pytest.raises(
        ValueError, match=r"item_ids: expected each id once, found tea more often \(1 such ids\)"
    ):
        Interactions.from_arrays([1], ["tea"], item_ids=["tea", "rye", "tea"])


@pytest.mark.parametrize(
    ("users", "words"),
    [
        (pl.Series([1, None]), "column 'user': expected an id in every row, found 1 nulls"),
        (pl.Series(["a", None]), "column 'user': expected an id in every row, found 1 nulls"),
        (pl.Series([1.5, 2.0]), "column 'user': expected integer or string ids, found Float64"),
    ],
)
def test_a_polars_column_of_no_ids_is_refused(users: pl.Series, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Interactions.from_arrays(users, [1, 2])


@given(PAIRS, st.randoms())
def test_id_maps_do_not_depend_on_the_order_of_rows(pairs: list[tuple[int, str]], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(pairs, len(pairs))
    one, two = (Interactions.from_arrays(*zip(*rows, strict=True)) for rows in (pairs, shuffled))
    assert (one.matrix().toarray() == two.matrix().toarray()).all()


def test_from_frame_reads_named_columns() -> None:
    frame = pl.DataFrame(
        {
            "customer": ["a", "b"],
            "product": [3, 1],
            "what": ["view", "cart"],
            "n": [2.0, 1.0],
            "when": [datetime(2020, 1, 1), datetime(2020, 1, 2)],
        }
    )
    data = Interactions.from_frame(
        frame, "customer", "product", behaviour="what", weight="n", timestamp="when"
    )
    assert data.timestamp is not None and np.diff(data.timestamp).tolist() == [DAY]
    assert data.with_behaviour("cart").user_ids[data.with_behaviour("cart").user].tolist() == ["b"]
    assert data.matrix()[0, 1] == 2.0
    with pytest.raises(ValueError, match="expected one of"):
        data.with_behaviour("buy")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0])
def test_a_weight_that_is_no_number_is_refused_by_its_column(bad: float) -> None:
    frame = pl.DataFrame({"user_id": [1, 2], "item_id": [1, 2], "spend": [1.0, bad]})
    with pytest.raises(ValueError, match=r"spend|weight"):
        Interactions.from_frame(frame, weight="spend")
    with pytest.raises(ValueError, match="row 1"):
        Interactions.from_arrays([1, 2], [1, 2], weight=[1.0, bad])


def test_missing_columns_and_ids_are_refused() -> None:
    with pytest.raises(ValueError, match="'item_id'"):
        Interactions.from_frame(pl.DataFrame({"user_id": [1]}))
    with pytest.raises(ValueError, match=r"'user_id'.*1 nulls"):
        Interactions.from_frame(pl.DataFrame({"user_id": [1, None], "item_id": [1, 2]}))
    with pytest.raises(ValueError, match="all integers or all strings"):
        Interactions.from_arrays(np.array([1, "a"], object), [1, 2])
    with pytest.raises(ValueError, match="expected integer or string ids"):
        Interactions.from_arrays([1.5, 2.0], [1, 2])
    with pytest.raises(ValueError, match="expected 2 values"):
        Interactions.from_arrays([1, 2], [1])


def test_lists_keep_users_without_items(tmp_path: Path) -> None:
    path = tmp_path / "train.txt"
    path.write_text("7 1 2\n\n8\n9 2\n")
    data = Interactions.from_lists(path)
    assert data.user_ids.tolist() == [7, 8, 9]
    assert data.matrix().toarray().tolist() == [[1, 1], [0, 0], [0, 1]]


@pytest.mark.parametrize("line", ["1 x 3", "1 2.5", "1,2,3", "99999999999999999999 1"])
def test_a_bad_line_is_named_by_file_and_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "train.txt"
    path.write_text(f"0 1\n{line}\n")
    with pytest.raises(ValueError, match=r"train\.txt:2: expected integers"):
        Interactions.from_lists(path)


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("")
    with pytest.raises(ValueError, match="empty file"):
        Interactions.from_lists(tmp_path / "train.txt")


def test_recency_halves_by_half_life() -> None:
    data = Interactions.from_arrays([1, 1, 1], [1, 2, 3], timestamp=[0, 7 * DAY, 14 * DAY], weight=[4, 4, 4])
    assert recency_weights(data, 7.0).tolist() == [1, 2, 4]
    assert recency_weights(data, None).tolist() == [4, 4, 4]
    assert len(data.between(start=7 * DAY, end=14 * DAY)) == 1


def test_merging_keeps_the_rows_of_the_first() -> None:
    one = Interactions.from_arrays([5, 6], ["b", "c"], behaviour=["view", "cart"])
    both = one.merged(Interactions.from_arrays([1, 6], ["a", "c"], behaviour=["cart", "buy"]))
    assert both.user_ids.tolist() == [5, 6, 1] and both.item_ids.tolist() == ["b", "c", "a"]
    assert both.matrix()[1, 1] == 2
    assert sorted(both.behaviour_names) == ["buy", "cart", "view"]
