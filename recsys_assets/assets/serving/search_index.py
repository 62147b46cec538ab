"""`search_index`: the index in which the service searches, built from the items' titles and groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import dagster as dg
import numpy as np

from recsys_assets.assets.looks import look
from recsys_assets.settings import Settings
from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.checks import OUTPUT, TableCheck
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.lake.blobs import COLUMNS, blob_table, files_from, files_of
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_models.search.encoder import encoder_version, installed_encoder, load_encoder
from recsys_models.search.intent import Click
from recsys_models.search.search_index import SearchIndex
from recsys_models.search.words import words

ITEMS = "item_profiles"
READ = ("item_id", "title", "text", "category", "users")
UNKNOWN = "unknown"
"""Category of an item for which the source gives none."""
SEARCHES, FEEDBACK = "searches", "feedback"
MADE_OF: Mapping[str, Collection[str]] = {
    ITEMS: READ,
    SEARCHES: ("query_id", "asked_by", "query", "meant", "items"),
    FEEDBACK: ("query_id", "item_id", "action", "simulated"),
}
FEWEST_PEOPLE = 5
"""The fewest people who typed a word and then chose an item, for the word to stand for that item's category."""
CLICKS = f"""WITH acted AS (
    SELECT DISTINCT query_id, item_id FROM {FEEDBACK}
    WHERE action IN ('view', 'cart', 'purchase') AND query_id IS NOT NULL AND NOT simulated
)
SELECT coalesce(s.meant, s.query) AS query, s.asked_by, i.category, count(*)::DOUBLE AS times
FROM {SEARCHES} AS s
INNER JOIN acted ON acted.query_id = s.query_id AND list_contains(s.items, acted.item_id)
INNER JOIN {ITEMS} AS i ON i.item_id = acted.item_id
WHERE i.category <> 'unknown'
GROUP BY ALL ORDER BY ALL"""
SAMPLE = 100
"""Number of titles that are searched for as a check when the index is made."""
LEAST_FOUND = 0.9
"""Share of them that must be among the first ten results."""


def search_index(inputs: Inputs, encoder: str) -> Output:
    """The index of `GET /search`: words, parts of words, meaning, and the category that a query asks for.

    Kept as safetensors and JSON, one row a file; `SearchIndex.from_files(...)` reads it.
    """
    items = inputs.frame(ITEMS, READ).sort("item_id")
    name = encoder.partition(" ")[0]
    made_by = load_encoder(name) if name in ("wordllama", "minilm") else None
    index = SearchIndex.of(
        items["item_id"].to_list(),
        items["title"].to_list(),
        items["text"].to_list(),
        [None if category == UNKNOWN else category for category in items["category"].to_list()],
        items["users"].to_numpy(),
        made_by,
        clicks=clicks(inputs),
    )
    return Output(
        blob_table(index.to_files()),
        statistics={
            "items": index.n_items,
            "texts": int(index.vectors.shape[0]),
            "words": int(index.by_words.terms.size),
            "categories": int(index.intent.categories.size),
            "encoder": index.encoder or "none",
            "dimensions": int(index.vectors.shape[1]),
        },
    )


def clicks(inputs: Inputs) -> list[Click]:
    """Items chosen from search results, with the query words that enough people typed before choosing something."""
    if not (inputs.exists(SEARCHES) and inputs.exists(FEEDBACK)):
        return []
    people: dict[str, set[str]] = {}
    taken: list[tuple[list[str], str, float]] = []
    for query, person, category, times in inputs.query(CLICKS).iter_rows():
        typed = words(query)
        taken.append((typed, category, times))
        for word in typed:
            people.setdefault(word, set()).add(person)
    usual = {word for word, those in people.items() if len(those) >= FEWEST_PEOPLE}
    kept = [([word for word in typed if word in usual], category, times) for typed, category, times in taken]
    return [Click(*each) for each in kept if each[0]]


def titles_are_found(inputs: Inputs) -> CheckOutcome:
    """Number of sampled items that are among the first ten results for their own title, or share a title with one."""
    name = "titles_are_found"
    index = SearchIndex.from_files(files_of(inputs.query(f"FROM {OUTPUT}").to_arrow()))
    titles = dict(inputs.query(f"SELECT item_id, title FROM {ITEMS}").iter_rows())
    if not titles:
        return CheckOutcome(name, True, "there is no item yet", counts={"items": 0})
    rows = np.random.default_rng(7).permutation(index.n_items)[:SAMPLE]
    sampled = [titles[str(index.item_ids[row])] for row in rows]
    found = sum(
        title in {titles[str(index.item_ids[row])] for row in index.search(title, 10).rows}
        for title in sampled
    )
    return CheckOutcome(
        name,
        found >= LEAST_FOUND * len(sampled),
        f"{found} of {len(sampled)} titles find their item",
        counts={"titles": len(sampled), "found": found},
    )


def every_item_is_in_it(inputs: Inputs) -> CheckOutcome:
    """Number of items missing from the index, and of entries that are no items."""
    index = SearchIndex.from_files(files_of(inputs.query(f"FROM {OUTPUT}").to_arrow()))
    items = set(inputs.query(f"SELECT item_id FROM {ITEMS}")["item_id"].to_list())
    differ = len(items.symmetric_difference(index.item_ids.tolist()))
    return CheckOutcome(
        "every_item_is_in_it",
        not differ,
        f"{differ} items are in one of the index and {ITEMS} only",
        counts={"items": differ},
    )


CHECKS = (
    TableCheck(
        "every_item_is_in_it",
        f"the index holds exactly the items of {ITEMS}",
        function=every_item_is_in_it,
        blocking=True,
    ),
    TableCheck(
        "titles_are_found",
        "nine out of ten items are found by their own title",
        function=titles_are_found,
    ),
)


def encoder_of(settings: Settings) -> str:
    """The encoder of the settings with its version; a parameter of the asset, because encoders make different vectors.

    Raises:
        EncoderMissing: it is not installed.
    """
    name = installed_encoder() if settings.search_encoder == "auto" else settings.search_encoder
    return "none" if name is None or name == "none" else encoder_version(name)


def asset(settings: Settings) -> dg.AssetsDefinition:
    """`search_index`."""
    parameters = {"encoder": encoder_of(settings)}
    return frame_asset(
        search_index,
        parameters=parameters,
        reads=(ITEMS, SEARCHES, FEEDBACK),
        checks=CHECKS,
        columns=COLUMNS,
        columns_from=files_from(MADE_OF),
        rows_from=MADE_OF,
        look=look(
            "serving",
            kinds={"scipy"},
            personal="how many customers had an item, and words that at least five people typed; nobody is named",
        ),
    )
