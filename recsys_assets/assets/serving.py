"""The serving group: what the champion says to each customer, and its vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg
import numpy as np
import polars as pl

from recsys_assets.assets.looks import look
from recsys_assets.assets.reasons import evidence_of, in_words, nearest_in_history
from recsys_assets.assets.schema import PolarsType, texts_of, types_of
from recsys_assets.assets.training import split_data, stored_model
from recsys_assets.settings import Settings
from recsys_assets.shop_rules import BEHAVIOURS
from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.checks import OUTPUT, TableCheck, unique
from recsys_lineage.assets.inputs import Inputs
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.records.check_outcome import CheckOutcome

if TYPE_CHECKING:
    from recsys_models import Interactions

SIMILAR = 20
FEWEST_CUSTOMERS = 5


class RecommendationsColumns:
    """Columns of `recommendations`."""

    user_id = pl.String
    """The customer."""
    rank = pl.Int64
    """Place in the customer's list, from 1."""
    item_id = pl.String
    """The recommended item."""
    title = pl.String
    """The item's name."""
    score = pl.Float64
    """The champion's score; higher is better, to be compared within one customer only."""
    reason = pl.String
    """Why, in words."""
    like_item_id = pl.String
    """What the customer chose that speaks most for it; null where there is nothing."""
    cold = pl.Boolean
    """Whether nothing was known of the customer, who therefore gets what is popular."""


def recommendations(inputs: Inputs, top_k: int) -> Output:
    """The best items for every customer that they have not had yet, with score and reason.

    What a customer had is told by the target behaviour: an item that was only viewed can be recommended.

    Customers without any purchase get what is popular, marked `cold`.
    """
    model = stored_model(inputs, "champion")
    data = split_data(inputs)
    history = data.everything
    had = data.of_target(history)
    titles = dict(inputs.frame("item_profiles", ["item_id", "title"]).iter_rows())
    described = inputs.frame("users", ["user_id"])["user_id"]
    users = pl.concat([pl.Series(history.user_ids.tolist(), dtype=pl.String), described]).unique().sort()
    items, scores = model.recommend(users.to_numpy(), top_k, exclude=had)
    cold = model.is_cold(users.to_numpy())
    like = nearest_in_history(model, history, users.to_list(), items)
    evidence = evidence_of(model)
    did = _furthest_behaviour(history, users, like)
    n, k = items.shape
    complete = int((np.diff(had.user_items().indptr) == history.n_items).sum())
    table = pl.DataFrame(
        {
            "user_id": np.repeat(users.to_numpy(), k),
            "rank": np.tile(np.arange(1, k + 1), n),
            "item_id": items.ravel().tolist(),
            "title": [titles.get(item) for item in items.ravel()],
            "score": scores.ravel().astype(np.float64),
            "reason": [
                in_words(bool(cold[i]), source, behaviour, titles, evidence)
                for i, row in enumerate(zip(like, did, strict=True))
                for source, behaviour in zip(*row, strict=True)
            ],
            "like_item_id": [source for row in like for source in row],
            "cold": np.repeat(cold, k),
        },
        schema=types_of(RecommendationsColumns),
    ).filter(pl.col("item_id").is_not_null() & pl.col("score").is_finite())
    return Output(
        table,
        statistics={
            "users": n,
            "cold users": int(cold.sum()),
            "items recommended": table["item_id"].n_unique(),
            "customers who have every item": complete,
            "target behaviour": data.target,
            "family": model.name,
        },
    )


def _furthest_behaviour(
    history: Interactions, users: pl.Series, items: list[list[str | None]]
) -> list[list[str | None]]:
    """For each item of each user the furthest that the user went with it: bought rather than viewed; None for None."""
    names = history.behaviour_names
    if len(names) == 1:
        return [[None if item is None else names[0] for item in row] for row in items]
    steps = [BEHAVIOURS.index(name) if name in BEHAVIOURS else -1 for name in names]
    order = np.argsort(steps, kind="stable")
    codes = history.behaviour
    assert codes is not None
    far: dict[tuple[int, int], str] = {}
    for code in order:
        rows = np.flatnonzero(codes == code)
        pairs = zip(history.user[rows].tolist(), history.item[rows].tolist(), strict=True)
        far.update(dict.fromkeys(pairs, names[code]))
    user_row = {user: row for row, user in enumerate(history.user_ids.tolist())}
    item_row = {item: row for row, item in enumerate(history.item_ids.tolist())}
    return [
        [None if item is None else far.get((user_row[user], item_row[item])) for item in row]
        for user, row in zip(users.to_list(), items, strict=True)
    ]


def every_customer_is_answered(inputs: Inputs) -> CheckOutcome:
    """Whether every customer has recommendations but those who have every item already."""
    name = "every_customer_is_answered"
    counts = inputs.query(
        f"""WITH had AS (
            SELECT user_id, count(DISTINCT item_id) FILTER (WHERE is_target) AS items FROM split GROUP BY user_id
        )
        SELECT
            count(*) FILTER (WHERE items < (SELECT count(DISTINCT item_id) FROM split)) AS unanswered,
            count(*) FILTER (WHERE items = (SELECT count(DISTINCT item_id) FROM split)) AS complete
        FROM had WHERE user_id NOT IN (SELECT user_id FROM {OUTPUT})"""
    ).row(0, named=True)
    found = "every customer has recommendations"
    if counts["complete"]:
        found = f"{counts['complete']:,} customers have every item already and get none, all others have some"
    if counts["unanswered"]:
        found = f"{counts['unanswered']:,} customers who do not have every item get no recommendation"
    return CheckOutcome(name, counts["unanswered"] == 0, found, counts=counts)


RECOMMENDATION_CHECKS = (
    unique("user_id", "rank"),
    unique("user_id", "item_id"),
    TableCheck(
        "every_customer_is_answered",
        "every customer with an interaction has recommendations, but who has every item already",
        function=every_customer_is_answered,
        blocking=True,
    ),
    TableCheck(
        "nothing_bought_before",
        "no item is recommended to a customer who has it already: the target behaviour counts, a look does not",
        f"SELECT user_id, item_id FROM {OUTPUT} SEMI JOIN (FROM split WHERE is_target) AS had USING (user_id, item_id)",
        blocking=True,
    ),
)


class SimilarItemsColumns:
    """Columns of `similar_items`."""

    item_id = pl.String
    """The item."""
    rank = pl.Int64
    """Place among those like it, from 1."""
    similar_item_id = pl.String
    """An item like it."""
    title = pl.String
    """That item's name."""
    cosine = pl.Float64
    """How alike they are, 1 at most."""


def similar_items(inputs: Inputs) -> Output:
    """The items most like each item, by the champion's item vectors (or by who bought them, where it has none).

    Only items that at least five customers had take part: of the others too little is known to call anything alike.
    """
    model = stored_model(inputs, "champion")
    titles = dict(inputs.frame("item_profiles", ["item_id", "title"]).iter_rows())
    asked = model.item_ids[np.flatnonzero(np.diff(model.seen.tocsc().indptr) >= FEWEST_CUSTOMERS)]
    items, cosines = model.similar_items(asked, SIMILAR, among=asked)
    table = pl.DataFrame(
        {
            "item_id": np.repeat(asked, SIMILAR).tolist(),
            "rank": np.tile(np.arange(1, SIMILAR + 1), asked.size),
            "similar_item_id": items.ravel().tolist(),
            "title": [titles.get(item) for item in items.ravel()],
            "cosine": cosines.ravel().astype(np.float64),
        },
        schema=types_of(SimilarItemsColumns),
    ).filter(pl.col("similar_item_id").is_not_null() & pl.col("cosine").is_finite())
    return Output(table, statistics={"items": int(asked.size)})


class UserEmbeddingsColumns:
    """Columns of `user_embeddings`."""

    user_id = pl.String
    """The customer."""
    vector = pl.List(pl.Float32)
    """The champion's vector of the customer."""


def user_embeddings(inputs: Inputs) -> Output:
    """The champion's vector of each customer; empty when the champion's family has none."""
    return _vectors(inputs, "user", types_of(UserEmbeddingsColumns))


class ItemEmbeddingsColumns:
    """Columns of `item_embeddings`."""

    item_id = pl.String
    """The item."""
    vector = pl.List(pl.Float32)
    """The champion's vector of the item."""


def item_embeddings(inputs: Inputs) -> Output:
    """The champion's vector of each item; empty when the champion's family has none."""
    return _vectors(inputs, "item", types_of(ItemEmbeddingsColumns))


def _vectors(inputs: Inputs, of: str, schema: Mapping[str, PolarsType]) -> Output:
    model = stored_model(inputs, "champion")
    embeddings = model.embeddings()
    ids = model.user_ids if of == "user" else model.item_ids
    if embeddings is None:
        return Output(pl.DataFrame(schema=schema), statistics={"family": model.name, "dimensions": 0})
    vectors = embeddings.user if of == "user" else embeddings.item
    table = pl.DataFrame({f"{of}_id": ids.tolist(), "vector": list(vectors)}, schema=schema)
    return Output(table, statistics={"family": model.name, "dimensions": int(vectors.shape[1])})


def assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The serving group's tables."""
    serving = look("serving")
    return [
        frame_asset(
            recommendations,
            parameters={"top_k": settings.top_k},
            reads=("champion", "split", "interaction_graph", "item_profiles", "users"),
            checks=RECOMMENDATION_CHECKS,
            columns=texts_of(RecommendationsColumns),
            look=serving,
        ),
        frame_asset(
            similar_items,
            reads=("champion", "item_profiles"),
            columns=texts_of(SimilarItemsColumns),
            look=serving,
        ),
        *(
            frame_asset(function, reads=("champion",), columns=texts_of(columns), look=serving)
            for function, columns in (
                (user_embeddings, UserEmbeddingsColumns),
                (item_embeddings, ItemEmbeddingsColumns),
            )
        ),
    ]
