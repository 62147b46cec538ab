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

from recsys_models import Features, History, Interactions, Popularity
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


@pytest.mark.parametrize("column", ["user", "item", "weight", "timestamp", "behaviour"])
def test_what_is_masked_is_refused_with_its_row(column: str) -> None:
    values: dict[str, Any] = {"weight": [1.0, 2.0], "timestamp": [10**15] * 2, "behaviour": ["view", "buy"]}
    hidden = np.ma.array(values.get(column, [1, 2]), mask=[False, True])
    ids = {"user": [1, 2], "item": [1, 2]}
    given = {**ids, **{name: values[name] for name in values if name == column}, column: hidden}
    users, items = given.pop("user"), given.pop("item")
    with pytest.raises(ValueError, match=f"column '{column}': expected a value in every row.* row 1"):
        Interactions.from_arrays(users, items, **given)
    model = Popularity().fit(Interactions.from_arrays([1], [2]))
    with pytest.raises(ValueError, match="found a masked one in row 1"):
        model.recommend(np.ma.array([1, 2], mask=[False, True]))


@pytest.mark.parametrize(
    "ids",
    [np.array(["a", "\ud800"]), np.array(["a", "\ud800"], object), pl.Series([1, 2**90], dtype=pl.Int128)],
)
def test_what_no_file_can_hold_is_refused(ids: Any) -> None:
    with pytest.raises(ValueError, match="column 'user': expected"):
        Interactions.from_arrays(ids, [1, 2])
    small = pl.Series([1, -2], dtype=pl.Int128)
    assert as_ids(small, "user").tolist() == [1, -2]


@pytest.mark.parametrize("unit", ["Y", "D", "s"])
@given(year=st.one_of(st.integers(-(10**6), 0), st.integers(10_000, 5 * 10**6)))
def test_a_moment_that_no_calendar_has_is_refused(unit: Any, year: int) -> None:
    when = np.array([50, year - 1970], "datetime64[Y]").astype(f"datetime64[{unit}]")
    with pytest.raises(
        ValueError, match=r"column 'timestamp': expected moments of the years 1 to 9999.*row 1"
    ):
        Interactions.from_arrays([1, 2], [1, 2], timestamp=when)


@pytest.mark.parametrize("beyond", [2**62, -(2**62), 253_402_300_800 * 10**6])
def test_microseconds_that_no_calendar_has_are_refused(beyond: int) -> None:
    with pytest.raises(ValueError, match=r"of the years 1 to 9999.*row 1"):
        Interactions.from_arrays([1, 2], [1, 2], timestamp=[5, beyond])


@pytest.mark.parametrize("unknown", [0, -1])
def test_another_unit_is_refused_beside_times_that_are_not_known(unknown: int) -> None:
    with pytest.raises(ValueError, match="as seconds all lie between 2001 and 2042"):
        Interactions.from_arrays([1, 2, 3], [1, 2, 3], timestamp=[unknown, 1_577_836_800, 1_577_836_801])


@pytest.mark.parametrize("moments", [10**15, [5, np.datetime64("2020-01-01")], [np.datetime64("2020"), 5]])
def test_numbers_beside_moments_are_refused(moments: Any) -> None:
    with pytest.raises(ValueError, match="column 'timestamp': expected"):
        Interactions.from_arrays([1, 2], [1, 2], timestamp=moments)


@pytest.mark.parametrize("kind", ["datetime64[us]", "timedelta64[s]", "complex128"])
def test_times_and_complex_numbers_are_no_weights(kind: str) -> None:
    with pytest.raises(ValueError, match="column 'weight': expected numbers, found"):
        Interactions.from_arrays([1, 2], [1, 2], weight=np.array([1, 2]).astype(kind))


@pytest.mark.parametrize(
    ("history", "words"),
    [
        ({"items": np.array([0.5])}, "items: expected rows of items as whole numbers.*history 1"),
        ({"items": np.zeros((1, 1), np.int32)}, "items: expected rows.*history 1"),
        ({"behaviours": "view"}, "behaviours: expected a list of names, found 'view' in history 1"),
        ({"behaviours": [None]}, "behaviours: expected a list of names, found None in history 1, place 0"),
    ],
)
def test_a_history_of_other_values_is_refused(history: dict[str, Any], words: str) -> None:
    model = Popularity().fit(Interactions.from_arrays([1], [2]))
    given = {"items": np.zeros(1, np.int32), **history}
    with pytest.raises(ValueError, match=words):
        model.fold_in([model.history_of([2]), History(**given)])


@pytest.mark.parametrize("now", [1.5, True, "now", float("nan"), 2**70, datetime(2020, 1, 1)])
def test_now_is_a_moment_in_microseconds(now: Any) -> None:
    model = Popularity().fit(Interactions.from_arrays([1], [2]))
    with pytest.raises(ValueError, match="now: expected microseconds"):
        model.fold_in([model.history_of([2])], now=now)
