"""Side information for the model families: features of users and items, relations between items.

None of it may come from the held-out weeks. Descriptions come from the profile tables; if a source says since when a
description is known, as invoices do, it is used from then on. Numbers, and the most bought items of a category or
brand, are computed from the subsets of `split` that a model is fitted on. Customers and items without interactions
there and without a description by then get no side information.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from recsys_assets.assets.model.training import SPLIT_COLUMNS, SPLIT_FROM
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.columns.frames.declared import ALL
from recsys_lineage.lake.blobs import files_of

if TYPE_CHECKING:
    from recsys_models import Features, InteractionGraph, Recommender

ITEM_GROUPS = ("department", "category", "subcategory", "brand", "manufacturer")
USER_GROUPS = (
    "age_group", "income_group", "household_size", "household_type", "home_ownership", "marital_status",
    "children", "country",
)  # fmt: skip
RELATIONS = {"same_category": ("subcategory", "category"), "same_brand": ("manufacturer", "brand")}
"""Relation → the columns that name an item's group; the first known one counts. Items bought together are no relation
here, because the table `item_relations` computes them from all baskets, including those of the held-out weeks."""
RELATED = 10
"""Number of most bought items of a group that are related to all of its items, as in `item_relations`."""
PRICE_BANDS = 10
DONE = (
    "user_id", "item_id", "behaviour", "subset", "count", "quantity", "spend", "first_time", "last_time",
)  # fmt: skip
"""The columns of `split` from which numbers are computed."""
TRAIN, BEFORE_TEST, EVERYTHING = ("train",), ("train", "valid"), ("train", "valid", "test")


def side_tables(family: type[Recommender]) -> tuple[str, ...]:
    """The tables of side information that a family's fit reads besides `split` and `interaction_graph`."""
    return tuple(
        table
        for table, names in (
            ("item_profiles", {"item_features", "relations"}),
            ("user_profiles", {"user_features"}),
        )
        if names & family.side_information
    )


def fitted_from(families: Iterable[type[Recommender]]) -> dict[str, Collection[str]]:
    """The columns that models of these families are fitted on, those of their side information too."""
    tables = {table for family in families for table in side_tables(family)}
    done = {"split": (*SPLIT_COLUMNS, *set(DONE).difference(SPLIT_COLUMNS))} if tables else {}
    return {**SPLIT_FROM, **done, **dict.fromkeys(sorted(tables), ALL)}


@dataclass(frozen=True)
class SideInformation:
    """Features and relations for one family; None for what the family does not use."""

    users: Features | None
    items: Features | None
    relations: InteractionGraph | None

    def attached_to(self, model: Recommender) -> Recommender:
        """The model, to be fitted with this side information; a saved model keeps none of it."""
        model.with_features(users=self.users, items=self.items)
        if self.relations is not None:
            model.with_relations(self.relations)
        return model

    @property
    def names(self) -> str:
        """Hash of the names of features and relations, without their numbers. If it is equal, the weights of one model
        fit another."""
        parts = [None if part is None else part.names for part in (self.users, self.items)]
        kinds = None if self.relations is None else sorted(self.relations.edges)
        return hashlib.sha256(json.dumps([parts, kinds]).encode()).hexdigest()[:16]


def side_information(inputs: Inputs, family: type[Recommender], subsets: Sequence[str]) -> SideInformation:
    """The side information that the family uses, its numbers made of these subsets only."""
    used = family.side_information
    return SideInformation(
        users=user_features(inputs, subsets) if "user_features" in used else None,
        items=item_features(inputs, subsets) if "item_features" in used else None,
        relations=item_relations(inputs, subsets) if "relations" in used else None,
    )


def item_features(inputs: Inputs, subsets: Sequence[str]) -> Features:
    """Features of all items: groups, words of the text, and the band of the price paid."""
    from recsys_models import Features

    known = _known(inputs, subsets).sort("item_id", "user_id", "behaviour", "subset")
    described = _descriptions(inputs, "item", (*ITEM_GROUPS, "text"), known).sort("item_id")
    prices = known.group_by("item_id", maintain_order=True).agg(_price())
    band = ((pl.col("price").rank() - 1) * PRICE_BANDS / pl.col("price").count()).floor().cast(pl.Int64)
    frame = described.join(prices.with_columns(band.alias("price_band")), on="item_id", how="left")
    return Features.from_frame(
        _without_unknown(frame, ITEM_GROUPS),
        "item_id",
        categorical=(*ITEM_GROUPS, "price_band"),
        text=("text",),
    )


def user_features(inputs: Inputs, subsets: Sequence[str]) -> Features:
    """Features of all users: groups, and ten numbers about what each did."""
    from recsys_models import Features

    known = _known(inputs, subsets)
    described = _descriptions(inputs, "user", USER_GROUPS, known).sort("user_id")
    newest = known["last_time"].max()
    days = pl.col("last_time").max() - pl.col("first_time").min()
    numbers = {
        "events": pl.col("count").sum().log1p(),
        "items": pl.col("item_id").n_unique().log1p(),
        "events_per_item": pl.col("count").mean().log1p(),
        "repeated": (pl.col("count") > 1).mean(),
        "quantity": pl.col("quantity").sum().clip(0).log1p(),
        "spend": pl.col("spend").sum().clip(0).log1p(),
        "price": _price(),
        "active_days": (days.dt.total_days()).log1p(),
        "days_since_first": (pl.lit(newest) - pl.col("first_time").min()).dt.total_days().log1p(),
        "days_since_last": (pl.lit(newest) - pl.col("last_time").max()).dt.total_days().log1p(),
    }
    done = known.sort("user_id", "item_id", "behaviour", "subset").group_by("user_id", maintain_order=True)
    frame = described.join(done.agg(**numbers), on="user_id", how="left").with_columns(
        pl.col(name).cast(pl.Float64).fill_nan(None).fill_null(strategy="mean").fill_null(0.0)
        for name in numbers
    )
    return Features.from_frame(
        _without_unknown(frame, USER_GROUPS), "user_id", numeric=tuple(numbers), categorical=USER_GROUPS
    )


def item_relations(inputs: Inputs, subsets: Sequence[str]) -> InteractionGraph:
    """Relations from each item to the most bought others of its category and of its brand, with weight 1 / rank."""
    from recsys_models import InteractionGraph
    from recsys_models.data.graph import Edges
    from recsys_models.data.ids import id_column, rows_of
    from recsys_models.data.item_relations import most_bought_of_group

    columns = dict.fromkeys(column for pair in RELATIONS.values() for column in pair)
    known_rows = _known(inputs, subsets)
    described = _without_unknown(_descriptions(inputs, "item", tuple(columns), known_rows), tuple(columns))
    bought = known_rows.group_by("item_id").agg(pl.col("count").sum().alias("bought"))
    graph = InteractionGraph.from_files(files_of(inputs.arrow("interaction_graph")))
    edges = {}
    for relation, names in RELATIONS.items():
        groups = described.select("item_id", group=pl.coalesce(names))
        *ids, weight = most_bought_of_group(groups, bought, RELATED)
        source, target = (rows_of(id_column(column, relation), graph.item_ids, relation) for column in ids)
        known = (source >= 0) & (target >= 0)
        edges["item", relation, "item"] = Edges(source[known], target[known], weight[known])
    return InteractionGraph(graph.user_ids, graph.item_ids, edges)


def _descriptions(inputs: Inputs, of: str, columns: Sequence[str], known: pl.DataFrame) -> pl.DataFrame:
    """Descriptions of users or items for a model fitted on the rows `known`.

    A description that became known after the last of these rows is left out. A user or item without a description and
    without one of these rows is left out as a whole.
    """
    key = f"{of}_id"
    profiles = inputs.frame(f"{of}_profiles", [key, *columns, "described", "known_from"])
    described_by_then = pl.col("described") & (
        pl.col("known_from").is_null() | (pl.col("known_from") <= known["last_time"].max())
    )
    there = profiles.filter(described_by_then | pl.col(key).is_in(known[key].unique().implode()))
    return there.select(key, *(pl.when(described_by_then).then(pl.col(name)).alias(name) for name in columns))


def _known(inputs: Inputs, subsets: Sequence[str]) -> pl.DataFrame:
    return inputs.frame("split", DONE).filter(pl.col("subset").is_in(list(subsets)))


def _price() -> pl.Expr:
    paid = pl.col("spend").sum().clip(0) / pl.col("quantity").sum()
    return pl.when(pl.col("quantity").sum() > 0).then(paid).log1p().alias("price")


def _without_unknown(frame: pl.DataFrame, groups: Sequence[str]) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(pl.col(name) != "unknown").then(pl.col(name)).alias(name) for name in groups
    )
