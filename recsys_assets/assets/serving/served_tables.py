"""The serving tables: the champion's recommendations for each customer, and its embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys_assets.assets.looks import look
from recsys_assets.assets.model.training import split_data, stored_model
from recsys_assets.assets.run_options import setting_options
from recsys_assets.assets.schema import PolarsType, texts_of, types_of
from recsys_assets.assets.serving.reasons import (
    evidence_of,
    furthest_behaviours,
    in_words,
    nearest_in_history,
)
from recsys_assets.settings import Settings
from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.checks import OUTPUT, TableCheck, unique
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.columns.frames.declared import ColumnsFrom, Origins
from recsys_lineage.lake.blobs import CONTENT
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.parts.row_keys import Keys
from recsys_models.data.ids import id_array, rows_of

if TYPE_CHECKING:
    from recsys_models import Interactions, Recommender

SIMILAR = 20
BLOCK_CUSTOMERS = 20_000
"""Number of customers whose recommendations are in memory as text at once."""
FEWEST_CUSTOMERS = 5
_MODEL: Origins = {"champion": CONTENT}
_TITLES: Origins = {
    "item_profiles": {"title": "IDENTITY", "item_id": "JOIN"},
    "champion": dict.fromkeys(CONTENT, "JOIN"),
}
_ITEMS: Origins = {"split": {"item_id": "IDENTITY"}, "interaction_graph": CONTENT}
_WHY: Origins = {"split": {"item_id": "IDENTITY", "behaviour": "TRANSFORMATION", "user_id": "GROUP_BY"}}
_HISTORY: Origins = {
    "split": ("user_id", "item_id", "behaviour", "is_target", "subset"),
    "interaction_graph": CONTENT,
}
RECOMMENDATIONS_FROM: ColumnsFrom = {
    "user_id": {
        "split": {"user_id": "IDENTITY"}, "users": {"user_id": "IDENTITY"}, "interaction_graph": CONTENT
    },
    "rank": {},
    "item_id": _MODEL,
    "title": _TITLES,
    "score": _MODEL,
    "reason": {**_TITLES, **_ITEMS, **_WHY, **_MODEL},
    "like_item_id": {**_MODEL, **_ITEMS},
    "cold": _MODEL,
}  # fmt: skip
SIMILAR_ITEMS_FROM: ColumnsFrom = {
    "rank": {},
    "title": _TITLES,
    **dict.fromkeys(("item_id", "similar_item_id", "cosine"), _MODEL),
}


RECOMMENDATIONS_KEYS: Keys = {"split": {"user_id": "user_id"}, "users": {"user_id": "user_id"}}
"""Keys of a list: it depends on the customer's history and the champion. From `item_profiles` it only takes names, and
the rest of a profile is computed from all items of a category, so its rows are no source of a list."""
SIMILAR_ITEMS_KEYS: Keys = {"split": [{"item_id": "item_id"}, {"similar_item_id": "item_id"}]}


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
    """Reason for the recommendation, in words."""
    like_item_id = pl.String
    """The item in the customer's history that contributes most to the score; null where there is none."""
    cold = pl.Boolean
    """True where the model knows nothing of the customer, who then gets popular items."""


def recommendations(inputs: Inputs, top_k: int) -> Output:
    """The best items for every customer that they have not had yet, with score and reason.

    The target behaviour decides what a customer has had: an item that was only viewed can be recommended.

    Customers without any purchase get popular items, marked `cold`.
    """
    model = stored_model(inputs, "champion")
    data = split_data(inputs)
    history = data.everything
    had = data.of_target(history)
    described = inputs.frame("users", ["user_id"])["user_id"]
    users = pl.concat([pl.Series(history.user_ids.tolist(), dtype=pl.String), described]).unique().sort()
    items, scores = model.ranked(users, top_k, exclude=had)
    cold = model.is_cold(users)
    complete = int((np.diff(had.user_items().indptr) == history.n_items).sum())
    titles = dict(inputs.frame("item_profiles", ["item_id", "title"]).iter_rows())
    lists = ExplainedLists(model, history, users, items, scores, cold, titles)
    return Output(
        lists.blocks(),
        statistics={
            "users": len(users),
            "cold users": int(cold.sum()),
            "items recommended": np.unique(items[lists.listed]).size,
            "customers who have every item": complete,
            "target behaviour": data.target,
            "family": model.name,
        },
    )


class ExplainedLists:
    """All customers' lists with their reasons as numbers, which are turned into text block by block.

    Args:
        model: the champion.
        history: all that customers did.
        users: the customers.
        items: (n, k) rows of the model's items, -1 where there is none.
        scores: (n, k).
        cold: (n,) whether nothing is known of the customer.
        titles: names of items.
    """

    def __init__(
        self,
        model: Recommender,
        history: Interactions,
        users: pl.Series,
        items: NDArray[np.int32],
        scores: NDArray[np.float32],
        cold: NDArray[np.bool_],
        titles: Mapping[str, str],
    ) -> None:
        self._users, self._items, self._scores, self._cold = users, items, scores, cold
        self.listed = (items >= 0) & np.isfinite(scores)
        """(n, k) which places of the lists hold an item."""
        rows = rows_of(id_array(users), history.user_ids, "user")
        place = nearest_in_history(model, history, rows, items)
        owned = history.user_items()
        self._like = np.where(place >= 0, owned.indices[place], -1).astype(np.int32)
        did = np.where(place >= 0, furthest_behaviours(history)[place], -1).astype(np.int64)
        self._item_ids, self._titles = _texts(model.item_ids, titles)
        self._like_ids, _ = _texts(history.item_ids, titles)
        # few sentences differ: one for each item and what was done with it, and those of customers without any
        names, evidence = history.behaviour_names or (None,), evidence_of(model)
        kinds = len(names) + 1
        key = ((self._like + 1) * kinds + did + 1) * 2 + cold[:, None]
        distinct, self._sentence = np.unique(key, return_inverse=True)
        self._sentence = self._sentence.reshape(key.shape).astype(np.int32)
        sources, steps = np.divmod(distinct // 2, kinds)
        self._sentences = pl.Series(
            [
                in_words(
                    bool(number % 2),
                    str(history.item_ids[source - 1]) if source else None,
                    names[step - 1] if step else None,
                    titles,
                    evidence,
                )
                for number, source, step in zip(distinct, sources, steps, strict=True)
            ],
            dtype=pl.String,
        )

    def blocks(self) -> Iterator[pl.DataFrame]:
        """The rows of `recommendations`, `BLOCK_CUSTOMERS` customers at a time."""
        for start in range(0, max(1, len(self._users)), BLOCK_CUSTOMERS):
            yield self._block(slice(start, start + BLOCK_CUSTOMERS))

    def _block(self, part: slice) -> pl.DataFrame:
        items, listed = self._items[part], self.listed[part]
        customer, rank = np.nonzero(listed)
        item, like = items[listed], pl.Series(self._like[part][listed])
        return pl.DataFrame(
            {
                "user_id": self._users[part][customer],
                "rank": rank + 1,
                "item_id": self._item_ids[item],
                "title": self._titles[item],
                "score": self._scores[part][listed].astype(np.float64),
                "reason": self._sentences[self._sentence[part][listed]],
                "like_item_id": self._like_ids.gather(like.set(like < 0, None)),
                "cold": self._cold[part][customer],
            },
            schema=types_of(RecommendationsColumns),
        )


def _texts(ids: NDArray[Any], titles: Mapping[str, str]) -> tuple[pl.Series, pl.Series]:
    """Ids and titles of items, one per row."""
    listed = ids.tolist()
    return pl.Series(listed, dtype=pl.String), pl.Series([titles.get(i) for i in listed], dtype=pl.String)


def every_customer_is_answered(inputs: Inputs) -> CheckOutcome:
    """Whether every customer has recommendations, except those who have every item already."""
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
        "every customer with an interaction has recommendations, except those who have every item already",
        function=every_customer_is_answered,
        blocking=True,
    ),
    TableCheck(
        "nothing_bought_before",
        "no item is recommended to a customer who has it already: the target behaviour counts, a view does not",
        f"SELECT user_id, item_id FROM {OUTPUT} SEMI JOIN (FROM split WHERE is_target) AS had USING (user_id, item_id)",
        blocking=True,
    ),
)


class SimilarItemsColumns:
    """Columns of `similar_items`."""

    item_id = pl.String
    """The item."""
    rank = pl.Int64
    """Place among the similar items, from 1."""
    similar_item_id = pl.String
    """The similar item."""
    title = pl.String
    """Name of the similar item."""
    cosine = pl.Float64
    """Cosine similarity of their vectors, 1 at most."""


def similar_items(inputs: Inputs) -> Output:
    """The items most like each item, by the champion's item vectors (or by who bought them, where it has none).

    Only items that at least five customers had take part, because too little is known of the others.
    """
    model = stored_model(inputs, "champion")
    titles = dict(inputs.frame("item_profiles", ["item_id", "title"]).iter_rows())
    frequent = model.item_ids[np.flatnonzero(np.diff(model.seen.tocsc().indptr) >= FEWEST_CUSTOMERS)]
    items, cosines = model.similar_items(frequent, SIMILAR, among=frequent)
    table = pl.DataFrame(
        {
            "item_id": np.repeat(frequent, SIMILAR).tolist(),
            "rank": np.tile(np.arange(1, SIMILAR + 1), frequent.size),
            "similar_item_id": items.ravel().tolist(),
            "title": [titles.get(item) for item in items.ravel()],
            "cosine": cosines.ravel().astype(np.float64),
        },
        schema=types_of(SimilarItemsColumns),
    ).filter(pl.col("similar_item_id").is_not_null() & pl.col("cosine").is_finite())
    return Output(table, statistics={"items": int(frequent.size)})


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
    serving = look("serving", personal="what customers are shown, and the champion that it comes from")
    parameters = {"top_k": settings.top_k}
    return [
        frame_asset(
            recommendations,
            parameters=parameters,
            options=setting_options(parameters),
            reads=("champion", "split", "interaction_graph", "item_profiles", "users"),
            checks=RECOMMENDATION_CHECKS,
            columns=texts_of(RecommendationsColumns),
            columns_from=RECOMMENDATIONS_FROM,
            rows_from={**_MODEL, **_HISTORY, "users": ("user_id",)},
            keys=RECOMMENDATIONS_KEYS,
            look=serving,
        ),
        frame_asset(
            similar_items,
            reads=("champion", "item_profiles"),
            columns=texts_of(SimilarItemsColumns),
            columns_from=SIMILAR_ITEMS_FROM,
            rows_from=_MODEL,
            keys=SIMILAR_ITEMS_KEYS,
            look=serving,
        ),
        *(
            frame_asset(
                function,
                reads=("champion",),
                columns=texts_of(columns),
                columns_from=dict.fromkeys(types_of(columns), _MODEL),
                rows_from=_MODEL,
                keys={"split": {key: key}},
                look=serving,
            )
            for function, columns, key in (
                (user_embeddings, UserEmbeddingsColumns, "user_id"),
                (item_embeddings, ItemEmbeddingsColumns, "item_id"),
            )
        ),
    ]
