"""Ids, times and weights of the caller: taken as they are, or refused with the place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_models import Features, Interactions, Popularity
from recsys_models.data.ids import LONGEST_ID, as_ids, id_array, id_column

INTEGERS = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(max_size=4).filter(
    lambda text: not text.endswith("\0") and text.encode("utf-8", "ignore").decode() == text
)
NO_IDS = st.one_of(
    st.none(),
    st.floats(),
    st.booleans(),
    st.binary(max_size=3),
    st.integers(2**63, 2**80),
    st.integers(-(2**80), -(2**63) - 1),
    st.tuples(st.integers()),
    st.datetimes(),
    TEXT.map(lambda text: text + "\0"),
    st.just("x" * (LONGEST_ID + 1)),
)


def as_object_array(values: list[Any]) -> Any:
    array = np.empty(len(values), object)
    array[:] = values
    return array


FORMS: list[Callable[[list[Any]], Any]] = [list, tuple, iter, as_object_array]


@pytest.mark.parametrize("form", FORMS)
@given(ids=st.one_of(st.lists(INTEGERS), st.lists(TEXT)))
def test_ids_stay_what_they_are(form: Callable[[list[Any]], Any], ids: list[Any]) -> None:
    assert as_ids(form(ids), "user").tolist() == ids
    assert id_array(id_column(form(ids), "user")).tolist() == ids


@pytest.mark.parametrize("form", FORMS)
@given(ids=st.one_of(st.lists(INTEGERS, min_size=1), st.lists(TEXT, min_size=1)), bad=NO_IDS, data=st.data())
def test_what_is_no_id_is_refused_with_its_row(
    form: Callable[[list[Any]], Any], ids: list[Any], bad: Any, data: st.DataObject
) -> None:
    row = data.draw(st.integers(1, len(ids)))
    for make in (as_ids, id_column):
        with pytest.raises(ValueError, match=rf"column 'user': expected .*in row {row}\b"):
            make(form([*ids[:row], bad, *ids[row:]]), "user")


@given(st.lists(INTEGERS, min_size=1), st.lists(TEXT, min_size=1))
def test_numbers_beside_text_are_refused(numbers: list[int], text: list[str]) -> None:
    for mixed in (numbers + text, text + numbers):
        with pytest.raises(ValueError, match="all integers or all strings"):
            as_ids(mixed, "user")


@pytest.mark.parametrize("ids", ["tea", b"tea", {"tea": 1}, {"tea"}, 7, None])
def test_what_is_no_sequence_of_ids_is_refused(ids: Any) -> None:
    model = Popularity().fit(Interactions.from_arrays([1], ["tea"]))
    with pytest.raises(ValueError, match="column 'user': expected a sequence of ids"):
        Interactions.from_arrays(ids, ["x"])
    for ask in (model.recommend, model.is_cold, model.similar_items):
        with pytest.raises(ValueError, match="expected a sequence of ids"):
            ask(ids)


@pytest.mark.parametrize("array", [np.array([1, 2**63], np.uint64), pl.Series([1, 2**63], dtype=pl.UInt64)])
def test_an_unsigned_id_does_not_wrap(array: Any) -> None:
    with pytest.raises(ValueError, match=f"found {2**63} in row 1"):
        Interactions.from_arrays(array, [1, 2])
    with pytest.raises(ValueError, match=f"found {2**63} in row 1"):
        Features.from_frame(pl.DataFrame({"id": array}), "id")


def test_a_long_id_is_refused_before_it_takes_memory() -> None:
    texts = ["tea"] * 9 + ["x" * 20_000]
    for form in (
        texts,
        np.array(texts),
        np.array(texts, object),
        pl.Series(texts),
        pl.Series(texts, dtype=pl.Categorical),
    ):
        with pytest.raises(ValueError, match=r"at most 1000 characters.*20000 characters\) in row 9"):
            Interactions.from_arrays(range(10), form)


ZONE = timezone(timedelta(hours=5, minutes=30))
WHEN = st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1))


@given(st.lists(WHEN, min_size=1))
def test_moments_are_the_same_in_every_form(moments: list[datetime]) -> None:
    expected = [round((m - datetime(1970, 1, 1)) / timedelta(microseconds=1)) for m in moments]
    zoned = [m.replace(tzinfo=timezone.utc).astimezone(ZONE) for m in moments]
    forms: list[Any] = [moments, zoned, np.array(moments, "datetime64[us]"), np.array(moments, object)]
    forms += [
        pl.Series(moments, dtype=pl.Datetime("us")),
        pl.Series(zoned, dtype=pl.Datetime("us", "Asia/Kolkata")),
    ]
    for form in forms:
        data = Interactions.from_arrays(range(len(moments)), range(len(moments)), timestamp=form)
        assert data.timestamp is not None and data.timestamp.tolist() == expected


@given(st.lists(st.dates(date(1800, 1, 1), date(2200, 1, 1)), min_size=1))
def test_a_date_is_its_midnight(days: list[date]) -> None:
    expected = [(day - date(1970, 1, 1)).days * 86_400_000_000 for day in days]
    forms: list[Any] = [days, pl.Series(days), np.array(days, "datetime64[D]")]
    for form in forms:
        data = Interactions.from_arrays(range(len(days)), range(len(days)), timestamp=form)
        assert data.timestamp is not None and data.timestamp.tolist() == expected


@given(
    st.lists(st.datetimes(datetime(2002, 1, 1), datetime(2041, 1, 1)), min_size=1),
    st.sampled_from([1, 1000, 10**9]),
)
def test_another_unit_is_refused(moments: list[datetime], per_second: int) -> None:
    scaled = [int((m - datetime(1970, 1, 1)).total_seconds()) * per_second for m in moments]
    for form in (scaled, np.array(scaled), np.array(scaled, np.float64), pl.Series(scaled)):
        with pytest.raises(ValueError, match="column 'timestamp': expected microseconds since 1970, found"):
            Interactions.from_arrays(range(len(scaled)), range(len(scaled)), timestamp=form)


@pytest.mark.parametrize(
    "bad",
    [
        None,
        float("nan"),
        float("inf"),
        0.5,
        "2020-01-01",
        True,
        datetime(2020, 1, 1),
        np.datetime64("NaT"),
        2**70,
    ],
)
def test_what_is_no_moment_is_refused(bad: Any) -> None:
    for good in (5, datetime(2020, 1, 1, tzinfo=ZONE)):
        with pytest.raises(ValueError, match=r"column 'timestamp': expected"):
            Interactions.from_arrays([1, 2], [1, 2], timestamp=[good, bad])  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf"), -1.0, 1e300, "much", [1.0, 2.0]])
def test_what_is_no_weight_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match="column 'weight': expected"):
        Interactions.from_arrays([1, 2], [1, 2], weight=[bad, bad])


@pytest.mark.parametrize("bad", [None, float("nan"), 3, "view\0"])
def test_what_is_no_behaviour_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match="column 'behaviour': expected"):
        Interactions.from_arrays([1, 2], [1, 2], behaviour=["view", bad])
