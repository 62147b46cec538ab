"""The serving group: what the champion says to each customer, and its vectors."""

from __future__ import annotations

import numpy as np
import polars as pl

from recsys_assets.assets.reasons import in_words, nearest_in_history
from recsys_assets.assets.training import split_data, stored_model
from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.checks import OUTPUT, TableCheck, unique
from recsys_lineage.assets.inputs import Inputs

RECOMMENDATIONS = {
    "user_id": pl.String,
    "rank": pl.Int64,
    "item_id": pl.String,
    "title": pl.String,
    "score": pl.Float64,
    "reason": pl.String,
    "like_item_id": pl.String,
    "cold": pl.Boolean,
}
SIMILAR = 20
FEWEST_CUSTOMERS = 5


def recommendations(inputs: Inputs, top_k: int) -> Output:
    """The best items for every customer that they have not had yet, with score and reason.

    Customers without any purchase get what is popular, marked `cold`.
    """
    model = stored_model(inputs, "champion")
    history = split_data(inputs).everything
    titles = dict(inputs.frame("item_profiles", ["item_id", "title"]).iter_rows())
    described = inputs.frame("users", ["user_id"])["user_id"]
    users = pl.concat([pl.Series(history.user_ids.tolist(), dtype=pl.String), described]).unique().sort()
    items, scores = model.recommend(users.to_numpy(), top_k)
    cold = model.is_cold(users.to_numpy())
    like = nearest_in_history(model, history, users.to_list(), items)
    n, k = items.shape
    table = pl.DataFrame(
        {
            "user_id": np.repeat(users.to_numpy(), k),
            "rank": np.tile(np.arange(1, k + 1), n),
            "item_id": items.ravel().tolist(),
            "title": [titles.get(item) for item in items.ravel()],
            "score": scores.ravel().astype(np.float64),
            "reason": [
                in_words(bool(cold[i]), source, titles) for i, row in enumerate(like) for source in row
            ],
            "like_item_id": [source for row in like for source in row],
            "cold": np.repeat(cold, k),
        },
        schema=RECOMMENDATIONS,
    ).filter(pl.col("item_id").is_not_null() & pl.col("score").is_finite())
    return Output(
        table,
        statistics={
            "users": n,
            "cold users": int(cold.sum()),
            "items recommended": table["item_id"].n_unique(),
            "family": model.name,
        },
    )


RECOMMENDATION_CHECKS = (
    unique("user_id", "rank"),
    unique("user_id", "item_id"),
    TableCheck(
        "every_customer_is_answered",
        "every customer with an interaction has recommendations",
        f"SELECT user_id FROM split GROUP BY user_id EXCEPT SELECT user_id FROM {OUTPUT}",
        blocking=True,
    ),
    TableCheck(
        "nothing_bought_before",
        "no item is recommended to a customer who has it already",
        f"SELECT user_id, item_id FROM {OUTPUT} SEMI JOIN split USING (user_id, item_id)",
        blocking=True,
    ),
)


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
        schema={
            "item_id": pl.String,
            "rank": pl.Int64,
            "similar_item_id": pl.String,
            "title": pl.String,
            "cosine": pl.Float64,
        },
    ).filter(pl.col("similar_item_id").is_not_null() & pl.col("cosine").is_finite())
    return Output(table, statistics={"items": int(asked.size)})


def user_embeddings(inputs: Inputs) -> Output:
    """The champion's vector of each customer; empty when the champion's family has none."""
    return _vectors(inputs, "user")


def item_embeddings(inputs: Inputs) -> Output:
    """The champion's vector of each item; empty when the champion's family has none."""
    return _vectors(inputs, "item")


def _vectors(inputs: Inputs, of: str) -> Output:
    model = stored_model(inputs, "champion")
    embeddings = model.embeddings()
    ids = model.user_ids if of == "user" else model.item_ids
    schema = {f"{of}_id": pl.String, "vector": pl.List(pl.Float32)}
    if embeddings is None:
        return Output(pl.DataFrame(schema=schema), statistics={"family": model.name, "dimensions": 0})
    vectors = embeddings.user if of == "user" else embeddings.item
    table = pl.DataFrame({f"{of}_id": ids.tolist(), "vector": list(vectors)}, schema=schema)
    return Output(table, statistics={"family": model.name, "dimensions": int(vectors.shape[1])})
