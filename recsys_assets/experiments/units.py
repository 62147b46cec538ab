"""Units: exposures and actions of each customer or session of an experiment, as the input of `ab_report`."""

from __future__ import annotations

import polars as pl

from recsys_assets.experiments.experiment import Experiment

CLICKS = ("view", "cart", "purchase")
"""Actions that count as a click on a shown item."""


def experiment_units(
    exposures: pl.DataFrame, feedback: pl.DataFrame, prices: pl.DataFrame, experiment: Experiment
) -> pl.DataFrame:
    """Table of the units that were shown something: one row each, with `arm`, `user_id`, `first_shown`, `items`
    (products of the shop that it was shown) and the columns of the metrics.

    Actions of a unit count from its first exposure on. A unit that was shown two arms, because the experiment was
    changed while it ran, is left out, as is an arm that the experiment lacks. A customer and a client with the same id
    are two units.

    Args:
        exposures: of the asset `exposures`.
        feedback: of the asset `feedback`.
        prices: `item_id` and `price` of the shop's products, for the revenue; 0 where unknown. If no price is known
            there is no column `revenue`, because a column of zeros would say that arms do not differ.
        experiment: the one whose units are counted.
    """
    names = [arm.name for arm in experiment.arms]
    person = [pl.format("user:{}", "user_id"), pl.format("client:{}", "client_id")]
    if experiment.unit == "session":
        person.reverse()
    shown = (
        exposures.with_columns(
            arm=pl.col("experiments").str.json_path_match(f"$.{experiment.name}"),
            unit=pl.coalesce(*person, pl.format("answer:{}", "query_id")),
        )
        .filter(pl.col("arm").is_in(names))
        .select("unit", "arm", "query_id", "item_id", "time", "user_id")
        .with_columns(known=pl.col("item_id").is_in(prices["item_id"].implode()))
    )
    units = _of_one_arm(shown)
    answers = shown.select("query_id", of_answer="unit").unique("query_id")
    did = (
        feedback.join(answers, on="query_id", how="left")
        .with_columns(unit=pl.coalesce("of_answer", *person))
        .join(units.select("unit", "first_shown"), on="unit")
        .filter(pl.col("time") >= pl.col("first_shown"))
        .join(prices, on="item_id", how="left")
    )
    if experiment.last_day is not None:
        did = did.filter(pl.col("time").dt.date() <= experiment.last_day)
    bought = pl.col("action") == "purchase"
    done = did.group_by("unit").agg(
        bought.sum().alias("purchases"),
        pl.col("price").filter(bought).fill_null(0).sum().alias("revenue"),
        (pl.col("action") == "rating").sum().alias("ratings"),
        pl.col("value").filter(pl.col("action") == "rating").sum().alias("rating_sum"),
    )
    clicked = (
        did.filter(pl.col("action").is_in(CLICKS))
        .join(shown.select("query_id", "item_id").unique(), on=["query_id", "item_id"], how="semi")
        .unique(["query_id", "item_id"])
        .group_by("unit")
        .agg(pl.len().alias("clicks"))
    )
    found = (
        units.join(done, on="unit", how="left")
        .join(clicked, on="unit", how="left")
        .with_columns(pl.col("purchases", "revenue", "ratings", "rating_sum", "clicks").fill_null(0))
        .with_columns(converted=(pl.col("purchases") > 0).cast(pl.Int64))
        .sort("unit")
    )
    return found if prices.filter(pl.col("price") > 0).height else found.drop("revenue")


def _of_one_arm(shown: pl.DataFrame) -> pl.DataFrame:
    """The units of exposures, without those that were shown several arms."""
    return (
        shown.group_by("unit")
        .agg(
            pl.col("arm").first(),
            pl.col("arm").n_unique().alias("arms"),
            pl.col("user_id").drop_nulls().first(),
            pl.col("time").min().alias("first_shown"),
            pl.len().alias("exposures"),
            pl.col("item_id").filter(pl.col("known")).unique().sort().alias("items"),
        )
        .filter(pl.col("arms") == 1)
        .drop("arms")
    )


def with_past(units: pl.DataFrame, past: pl.DataFrame) -> pl.DataFrame:
    """The units with `baskets_before` and `spent_before`, the covariates that adjust a metric.

    Args:
        past: earlier purchases, one row per basket: `user_id`, `time`, `amount`.
    """
    before = (
        units.select("unit", "user_id", "first_shown")
        .drop_nulls("user_id")
        .join(past, on="user_id")
        .filter(pl.col("time") < pl.col("first_shown"))
        .group_by("unit")
        .agg(pl.len().alias("baskets_before"), pl.col("amount").fill_null(0).sum().alias("spent_before"))
    )
    return units.join(before, on="unit", how="left").with_columns(
        pl.col("baskets_before", "spent_before").fill_null(0)
    )
