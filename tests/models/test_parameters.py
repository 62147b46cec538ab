"""What a parameter may be is said by its type, and held to when a model is made."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Annotated, Any, get_args, get_origin

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_models import Interactions, LightGCN, Recommender, Spectral, families, load_model
from recsys_models.parameters.parameters import Range, in_words, kinds

PARAMETERS = [(name, key) for name, family in families.items() for key in kinds(family)]


def parts(kind: Any) -> list[Any]:
    """The alternatives of a type, with what stands inside of `Annotated` left whole."""
    inner = get_args(kind)
    if get_origin(kind) in (Annotated, list, tuple, dict) or not inner or isinstance(inner[0], str):
        return [kind]
    return [part for each in inner for part in parts(each)]


@pytest.mark.parametrize(("name", "key"), PARAMETERS)
def test_every_number_has_a_range_and_every_default_is_allowed(name: str, key: str) -> None:
    kind = kinds(families[name])[key]
    assert not {int, float, str} & set(parts(kind)), "a bare type says not enough"
    default = next(field.default for field in dataclasses.fields(families[name]) if field.name == key)
    expected: Any = list(default) if key == "members" else default  # pyright: ignore[reportArgumentType]
    assert families[name](**{key: default}).params()[key] == expected
    assert in_words(kind)


@pytest.mark.parametrize(("name", "key"), PARAMETERS)
def test_nonsense_is_refused_by_the_parameters_name(name: str, key: str) -> None:
    kind = kinds(families[name])[key]
    allowed = parts(kind)
    bad: list[Any] = [
        math.nan,
        math.inf,
        -math.inf,
        np.float32("nan"),
        -1,
        -0.5,
        "nonsense",
        object(),
        b"x",
        1j,
        [-1.0],
    ]
    if bool not in allowed:
        bad += [True, False, np.True_]
    if type(None) not in allowed:
        bad += [None]
    for part in allowed:
        if get_origin(part) is Annotated:
            number, span = get_args(part)
            bad += [span.low - 1, span.high + 1]
            bad += [span.low] if span.open_low else []
            bad += [span.high] if span.open_high else []
            bad += [1.5] if number is int else []
    for value in bad:
        with pytest.raises(ValueError, match=rf"{name}: {key}: expected"):
            families[name](**{key: value})


@pytest.mark.parametrize(("name", "key"), PARAMETERS)
def test_numpy_scalars_are_saved(name: str, key: str) -> None:
    family = families[name]
    default = family().params()[key]
    found = family(**{key: np.array(default)[()] if not isinstance(default, str | None | dict) else default})
    assert json.dumps(found.params()) == json.dumps(family().params())
    for part in parts(kinds(family)[key]):
        if get_origin(part) is Annotated and get_args(part)[0] is int and (name, key) != ("gat", "heads"):
            value = family(**{key: np.int64(10)}).params()[key]
            assert type(value) is int


def test_a_model_of_numpy_scalars_can_be_saved() -> None:
    data = Interactions.from_arrays([1, 1, 2], [1, 2, 2])
    settings = {"spectral": {"rank": np.int32(2)}}
    named: Any = families
    for model in (
        named["spectral"](rank=np.int64(2), ridge=np.float32(1.5)),
        named["fusion"](members=np.array(["spectral", "popularity"]), settings=settings),
    ):
        fitted = model.fit(data, seed=np.int64(3))  # type: ignore[arg-type]
        assert load_model(fitted.to_files()).params() == model.params()


@given(st.floats(allow_nan=False), st.floats(0, 9), st.floats(0, 9), st.booleans(), st.booleans())
def test_a_range_holds_what_lies_between(value: float, low: float, width: float, a: bool, b: bool) -> None:
    span = Range(low, low + width, open_low=a, open_high=b)
    inside = math.isfinite(value) and low <= value <= low + width
    assert span.holds(value) == (inside and not (a and value == low) and not (b and value == low + width))


@pytest.mark.parametrize(
    "bad",
    [
        {"members": ()},
        {"members": ("ease", "ease")},
        {"members": ("fusion",)},
        {"settings": {"ease": {}}},
        {"settings": {"spectral": {"rank": -1}}},
        {"settings": {"spectral": {"rnak": 1}}},
    ],
)
def test_a_fusion_of_nonsense_is_refused_before_it_is_fitted(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"fusion|spectral: rank"):
        families["fusion"](**bad)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True, None, math.nan])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    model: Recommender = families["popularity"]()
    data = Interactions.from_arrays([1], [1])
    for fit in (model.fit, model.fit(data).refit, model.fit(data).retrained):
        with pytest.raises(ValueError, match="seed: expected a whole number"):
            fit(data, seed=seed)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_parameter_in_range_that_no_float_holds_is_named() -> None:
    model = LightGCN(exponent=1e6, dim=4, epochs=0)
    luck = np.random.default_rng(0)
    data = Interactions.from_arrays(luck.integers(0, 25, 300), np.minimum(luck.geometric(0.15, 300), 18))
    with pytest.raises(
        ValueError, match=f"^{model.name}: .*moderate parameters than .*'exponent': 1000000.0"
    ):
        model.fit(data)
    scaled = Spectral(rank=4, item_scale=1e6)
    for validation in (None, data):  # where parameters are chosen, scores are the first that are none
        with pytest.raises(
            ValueError, match=f"^{scaled.name}: .*moderate parameters than .*'item_scale': 1000000.0"
        ):
            scaled.fit(data, validation=validation)


def _counts() -> list[tuple[str, str, Range]]:
    return [
        (name, key, get_args(part)[1])
        for name, key in PARAMETERS
        for part in parts(kinds(families[name])[key])
        if get_origin(part) is Annotated and get_args(part)[0] is int
    ]


LIMITED_BY_DATA = [(name, key) for name, key, span in _counts() if not span.why]
"""Counts of which a fit takes no more than there is."""


@pytest.mark.parametrize(("name", "key", "span"), [each for each in _counts() if each[2].why])
def test_what_time_and_memory_grow_with_has_a_bound_that_is_said_with_the_reason(
    name: str, key: str, span: Range
) -> None:
    assert span.high <= 2**17
    for value in (int(span.high) + 1, 10**30):
        with pytest.raises(
            ValueError, match=rf"{name}: {key}: expected .*≤ {span.high} \({span.why}\).*, found {value}"
        ):
            families[name](**{key: value})


def _tiny(name: str, key: str) -> dict[str, Any]:
    small = {"epochs": 1, "dim": 4, "trees": 2, "network_epochs": 1, "largest_steps": None}
    return {field: value for field, value in small.items() if field in kinds(families[name]) and field != key}


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("name", "key"), LIMITED_BY_DATA)
def test_the_highest_count_takes_no_more_than_there_is(name: str, key: str) -> None:
    luck = np.random.default_rng(0)
    data = Interactions.from_arrays(
        luck.integers(0, 25, 300), np.minimum(luck.geometric(0.15, 300), 18), timestamp=np.arange(300) * 10**9
    )
    rows = np.arange(data.n_users)
    found = [
        families[name](**_tiny(name, key), **{key: value})
        .fit(data, seed=1, device="cpu", threads=1)
        .score_block(rows)
        for value in (100_000, 2**31 - 1)
    ]
    assert np.array_equal(found[0], found[1]) and np.isfinite(found[0]).all()


@pytest.mark.parametrize("networks", [0, 1])
def test_a_ranker_may_have_no_trees(networks: int) -> None:
    luck = np.random.default_rng(0)
    data = Interactions.from_arrays(luck.integers(0, 25, 300), np.minimum(luck.geometric(0.15, 300), 18))
    model = families["ranker"](trees=0, networks=networks, network_epochs=1).fit(data)  # type: ignore[call-arg]
    rows = np.arange(data.n_users)
    assert np.array_equal(load_model(model.to_files()).score_block(rows), model.score_block(rows))
