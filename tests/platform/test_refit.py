"""When a night starts from the model before, when it fits in full, and which side information models get."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pyarrow as pa
import pytest

from recsys_assets.assets.model.competing import FAMILIES, competing
from recsys_assets.assets.model.refit import Fitted, PreviousFit, model_before, refit_or_fit
from recsys_assets.assets.model.side_information import (
    BEFORE_TEST,
    EVERYTHING,
    TRAIN,
    item_features,
    item_relations,
    side_information,
    side_tables,
    user_features,
)
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.blobs import blob_table
from recsys_models import GNNR, Content, InteractionGraph, LightGCN, Popularity, families
from recsys_models.data.ids import as_ids

MODEL: Any = object()
BEFORE = PreviousFit(MODEL, 0.40, 2, "")


def refitted(ndcg: float) -> Fitted:
    return Fitted(MODEL, ndcg, "refit", 3)


def full(ndcg: float) -> Fitted:
    return Fitted(MODEL, ndcg, "full fit", 0)


def chosen(refit: float, anew: float | None, tolerance: float = 0.05) -> Fitted:
    def fit() -> Fitted:
        assert anew is not None, "a full fit was not needed"
        return full(anew)

    return refit_or_fit(BEFORE, lambda: refitted(refit), fit, tolerance=tolerance)


def test_a_refit_that_holds_is_taken_without_a_full_fit() -> None:
    assert chosen(0.381, None).how == "refit"
    assert chosen(0.381, None).refits == 3


def test_where_the_refit_drops_a_better_full_fit_is_taken_and_says_why() -> None:
    taken = chosen(0.37, 0.39)
    assert taken.how == "full fit after refit dropped from 0.4000 to 0.3700"
    assert (taken.ndcg, taken.refits) == (0.39, 0)


def test_where_the_full_fit_is_worse_still_the_refit_is_kept_and_says_why() -> None:
    taken = chosen(0.37, 0.36)
    assert taken.how == "refit, which dropped from 0.4000 to 0.3700: a full fit reached 0.3600"
    assert (taken.ndcg, taken.refits) == (0.37, 3)


def test_the_tolerance_is_a_share_of_what_was_reached_before() -> None:
    assert chosen(0.37, None, tolerance=0.1).how == "refit"
    assert chosen(0.39, 0.5, tolerance=0.0).how.startswith("full fit after")


@pytest.mark.parametrize(
    ("request_", "every"),
    [
        ({"continues": False}, 7),
        ({"previous": None}, 7),
        ({"code_version": "other"}, 7),
        ({}, 1),
        ({"refits": 6}, 7),
    ],
    ids=["by hand", "the first time", "other code", "always in full", "the seventh night"],
)
def test_a_run_that_fits_in_full_reads_no_model_before(request_: dict[str, Any], every: int) -> None:
    refits = request_.pop("refits", 0)
    unread = SimpleNamespace(record=SimpleNamespace(code_version="same"), statistics={"refits": refits})
    previous = request_.pop("previous", unread)
    request = SimpleNamespace(**{"continues": True, "code_version": "same", **request_})
    inputs = SimpleNamespace(previous=lambda: previous)
    assert model_before(cast(Any, inputs), cast(Any, request), LightGCN, full_fit_every=every) is None


def moment(day: int) -> datetime:
    return datetime(2024, 1, day)


SPLIT = pl.DataFrame(
    [
        ("u1", "i1", "buy", "train", 2, 2.0, 4.0, moment(1), moment(3)),
        ("u2", "i2", "buy", "train", 1, 1.0, 9.0, moment(2), moment(2)),
        ("u1", "i2", "buy", "valid", 9, 9.0, 0.9, moment(8), moment(8)),
        ("u2", "i3", "buy", "test", 5, 5.0, 99.0, moment(20), moment(20)),
    ],
    schema=[
        "user_id",
        "item_id",
        "behaviour",
        "subset",
        "count",
        "quantity",
        "spend",
        "first_time",
        "last_time",
    ],
    orient="row",
)
ITEMS = pl.DataFrame(
    {
        "item_id": ["i1", "i2", "i3"],
        "department": ["food", "food", "unknown"],
        "category": ["bread", "unknown", "unknown"],
        "subcategory": ["unknown"] * 3,
        "brand": ["a", "b", "a"],
        "manufacturer": ["unknown"] * 3,
        "text": ["white bread", "cheese", None],
        "described": [True] * 3,
        "known_from": pl.Series([None] * 3, dtype=pl.Datetime),
    }
)
GROUPS = ("age_group", "income_group", "household_size", "household_type", "home_ownership", "marital_status")
USERS = pl.DataFrame(
    {"user_id": ["u1", "u2", "u3"], **{group: ["unknown"] * 3 for group in GROUPS}}
).with_columns(
    children=pl.Series(["yes", "no", "unknown"]),
    country=pl.lit("unknown"),
    described=pl.lit(True),
    known_from=pl.lit(None, pl.Datetime),
)


class Tables:
    """Inputs whose tables are given."""

    def __init__(self, split: pl.DataFrame) -> None:
        self._tables = {"split": split, "item_profiles": ITEMS, "user_profiles": USERS}

    def arrow(self, table: str) -> pa.Table:
        assert table == "interaction_graph"
        ids = {
            name: self._tables["split"][name].unique().sort().to_numpy() for name in ("user_id", "item_id")
        }
        graph = InteractionGraph(as_ids(ids["user_id"], "user"), as_ids(ids["item_id"], "item"), {})
        return blob_table(graph.to_files())

    def frame(self, table: str, columns: list[str] | None = None) -> pl.DataFrame:
        return self._tables[table].select(columns or pl.all())


def tables(split: pl.DataFrame = SPLIT) -> Any:
    return Tables(split)


def test_side_information_for_training_knows_nothing_of_later_weeks() -> None:
    without = SPLIT.filter(pl.col("subset") == "train")
    for features in (item_features, user_features):
        assert features(tables(), TRAIN).digest() == features(tables(without), TRAIN).digest()
        assert features(tables(), TRAIN).digest() != features(tables(), BEFORE_TEST).digest()


def test_what_is_unknown_is_no_feature_and_every_id_has_its_row() -> None:
    items, users = item_features(tables(), TRAIN), user_features(tables(), TRAIN)
    assert items.ids.tolist() == ["i1", "i2", "i3"] and users.ids.tolist() == ["u1", "u2", "u3"]
    assert not [name for name in (*items.names, *users.names) if "unknown" in name]
    assert {"department=food", "brand=a", "text:bread"} < set(items.names)
    assert items.values[[2]].nnz == 1, "of i3 only the brand is known before the last weeks"
    assert len(users.names) >= 10


def test_items_are_related_to_those_bought_most_in_the_weeks_that_are_known() -> None:
    def brand(subsets: tuple[str, ...]) -> dict[tuple[int, int], float]:
        graph = item_relations(tables(), subsets)
        assert {kind[1] for kind in graph.edges} == {"same_category", "same_brand"}
        edges = graph.edges["item", "same_brand", "item"]
        pairs = zip(edges.source.tolist(), edges.target.tolist(), strict=True)
        return dict(zip(pairs, edges.weight.tolist(), strict=True))

    assert brand(TRAIN) == {(0, 2): 0.5, (2, 0): 1.0}
    assert brand(EVERYTHING) == {(0, 2): 1.0, (2, 0): 0.5}


def test_the_names_of_side_information_tell_whether_weights_fit() -> None:
    one, other = (side_information(tables(), Content, subsets).names for subsets in (TRAIN, BEFORE_TEST))
    assert one == other
    assert side_information(tables(), Popularity, TRAIN).names != one


def test_a_family_reads_the_tables_that_its_side_information_is_in() -> None:
    assert side_tables(Content) == ("item_profiles",)
    for family in families.values():
        side = side_information(tables(), family, TRAIN)
        given = {"user_features": side.users, "item_features": side.items, "relations": side.relations}
        assert {name for name, value in given.items() if value is not None} == family.side_information
        assert bool(side_tables(family)) == bool(family.side_information)
    assert side_tables(GNNR) == ("item_profiles",)


def test_any_family_of_the_registry_can_compete_and_the_baselines_always_do() -> None:
    assert competing("ease") == ["popularity", "item_neighbours", "ease"]
    assert competing(",".join(FAMILIES)) == list(FAMILIES)
    with pytest.raises(LineageError, match="no model family magic"):
        competing("magic")
