"""How well and how fast the search finds.

    python benchmarks/search.py known HOME              queries made of titles, as they are and misspelt, shuffled, cut
    python benchmarks/search.py labelled HOME           a hundred queries judged by hand; HOME has Online Retail
    python benchmarks/search.py personal HOME FAMILY    held-out purchases, asked for by their category
    python benchmarks/search.py speed HOME              milliseconds a query at 1, 4 and 16 times the titles

HOME is a `$RECSYS_HOME` with `item_profiles` (personal: with the candidate FAMILY and `split` too). `--encoder` takes
`wordllama` (the default) or `minilm`.

BM25 is this project's words alone; rank fusion is plain RRF (Cormack, Clarke and Büttcher 2009, k = 60) of BM25 and the
vectors. Differences to BM25 have 95 % intervals of a paired bootstrap over queries.
"""

from __future__ import annotations

import argparse
import platform
import re
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys_lineage.lake.lake import Lake
from recsys_models import load_model, paired_bootstrap
from recsys_models.search import SearchIndex
from recsys_models.search.encoder import Encoder, load_encoder
from recsys_models.search.words import words

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEPTH = 10
Ranks = Callable[[str], NDArray[np.int32]]
"""The rows of items that a query finds, best first."""


def known(home: Path, encoder: Encoder, queries: int) -> None:
    """Known-item queries: the title of one item, changed as people change it; right is every item with that title."""
    profiles, index = indexed(home, encoder)
    titles = profiles["title"].to_list()
    rng = np.random.default_rng(7)
    asked = [title for title in dict.fromkeys(titles) if len(words(title)) > 2]
    asked = [asked[at] for at in rng.permutation(len(asked))[:queries]]
    of_title: dict[str, set[int]] = {}
    for row, title in enumerate(titles):
        of_title.setdefault(title, set()).add(row)
    print(
        f"{len(titles):,} items, {len(of_title):,} titles, {len(asked):,} queries; reciprocal rank of the first 10"
    )
    for name, change in CHANGES.items():
        changed = [(change(title, rng), of_title[title]) for title in asked]
        report(name, compared(index, encoder, changed, reciprocal_rank))


def labelled(home: Path, encoder: Encoder, queries: int) -> None:
    """Queries judged by hand; NDCG of the first 10, an item is right or not."""
    profiles, index = indexed(home, encoder)
    told = tomllib.loads((Path(__file__).parent / "search_queries.toml").read_text())["queries"]
    titles = [title.upper() for title in profiles["title"].to_list()]
    judged = [
        (query, {row for row, title in enumerate(titles) if re.search(pattern, title)})
        for query, pattern in told.items()
    ]
    judged = [(query, right) for query, right in judged if right][:queries]
    sizes = sorted(len(right) for _, right in judged)
    print(f"{len(titles):,} items, {len(judged)} queries with {sizes[0]} to {sizes[-1]} right items; NDCG@10")
    report("all", compared(index, encoder, judged, ndcg))
    vocabulary = set(index.by_words.place)
    unlike = [
        (query, right)
        for query, right in judged
        if not set(words(query)) <= vocabulary
        or not any(set(words(query)) <= set(words(titles[row])) for row in right)
    ]
    report(f"the {len(unlike)} whose words no right title has", compared(index, encoder, unlike, ndcg))


def personal(home: Path, family: str, encoder: Encoder, queries: int) -> None:
    """What customers bought in the held-out weeks, asked for by the name of its category, before and after reordering.

    Only items that the customer had not bought before count; the model learned from the weeks before.
    """
    from recsys_lineage.lake.blobs import read_blobs

    profiles, index = indexed(home, encoder)
    lake = Lake(str(home / "lake"))
    model = load_model(read_blobs(lake, lake.version(f"candidate_{family}")))
    split = lake.scan(lake.version("split")).filter("is_target")
    held = split.filter(pl.col("subset") == "test").select("user_id", "item_id").unique().collect()
    before = split.filter(pl.col("subset") != "test").select("user_id", "item_id").unique().collect()
    new = held.join(before, on=["user_id", "item_id"], how="anti").join(
        profiles.select("item_id", "category"), on="item_id"
    )
    new = new.filter(pl.col("category") != "unknown").group_by("user_id", "category").agg("item_id")
    new = new.sort("user_id", "category").sample(min(queries, len(new)), seed=7)
    known_items = {str(item): row for row, item in enumerate(model.item_ids.tolist())}
    to_model = np.array([known_items.get(item, -1) for item in index.item_ids.tolist()], np.int64)
    found: dict[str, list[float]] = {"not reordered": [], "by popularity": [], "for the customer": []}
    plain = SearchIndex(**{**vars_of(index), "weights": type(index.weights)(popularity=0.0)})
    for user, category, items in new.iter_rows():
        right = {index.item_rows[item] for item in items}
        row = model.rows([user])
        scores = model.scores(row)[0] if row[0] >= 0 else None

        def taste(
            rows: NDArray[np.int32], scores: NDArray[np.float32] | None = scores
        ) -> NDArray[np.float32]:
            at = to_model[rows]
            if scores is None:
                return np.full(rows.size, np.nan, np.float32)
            return np.where(at >= 0, scores[at], np.nan).astype(np.float32)

        query = category.lower()
        found["not reordered"].append(ndcg(plain.search(query, DEPTH, encoder=encoder).rows, right))
        found["by popularity"].append(ndcg(index.search(query, DEPTH, encoder=encoder).rows, right))
        found["for the customer"].append(
            ndcg(index.search(query, DEPTH, encoder=encoder, taste=taste).rows, right)
        )
    print(f"{len(new):,} categories that customers bought something new of; NDCG@10, {family}")
    told = {name: np.array(values) for name, values in found.items()}
    against = told["by popularity"]
    for name, values in told.items():
        line = f"  {name:<18} {values.mean():.4f}"
        if name != "by popularity":
            difference = paired_bootstrap(values, against)
            line += (
                f"   {difference.mean:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}] to by popularity"
            )
        print(line)


def speed(home: Path, encoder: Encoder, queries: int) -> None:
    """Milliseconds a query; the titles of the larger catalogues are made of pairs of real ones, so they differ."""
    profiles, _ = indexed(home, encoder)
    texts, titles = profiles["text"].to_list(), profiles["title"].to_list()
    rng = np.random.default_rng(7)
    print("items    titles   made s   files MB   query ms: median   p99   longest")
    for factor in (1, 4, 16):
        more_titles, more_texts = list(titles), list(texts)
        if factor > 1:
            for one, other in rng.integers(0, len(titles), ((factor - 1) * len(titles), 2)):
                a, b = titles[one].split(), titles[other].split()
                joined = " ".join([*a[: (len(a) + 1) // 2], *b[len(b) // 2 :]])
                more_titles.append(joined)
                more_texts.append(f"{joined}, {texts[other].rpartition(', ')[2]}")
        ids = [str(at) for at in range(len(more_titles))]
        began = time.perf_counter()
        index = SearchIndex.of(ids, more_titles, more_texts, [None] * len(ids), np.arange(len(ids)), encoder)
        made = time.perf_counter() - began
        size = sum(map(len, index.to_files().values())) / 1e6
        asked = [CHANGES["misspelt"](titles[at], rng) for at in rng.integers(0, len(titles), queries)]
        index.search(asked[0], 20, encoder=encoder)
        times = np.empty(len(asked))
        for at, query in enumerate(asked):
            began = time.perf_counter()
            index.search(query, 20, encoder=encoder)
            times[at] = (time.perf_counter() - began) * 1000
        print(
            f"{len(ids):>7,} {index.vectors.shape[0]:>8,} {made:>8.1f} {size:>10.1f} "
            f"{np.median(times):>18.2f} {np.quantile(times, 0.99):>5.1f} {times.max():>9.1f}"
        )


def indexed(home: Path, encoder: Encoder) -> tuple[pl.DataFrame, SearchIndex]:
    """The items of a home and their index."""
    lake = Lake(str(home / "lake"))
    profiles = lake.scan(lake.version("item_profiles")).sort("item_id").collect()
    categories = [None if each == "unknown" else each for each in profiles["category"].to_list()]
    index = SearchIndex.of(
        profiles["item_id"].to_list(),
        profiles["title"].to_list(),
        profiles["text"].to_list(),
        categories,
        profiles["users"].to_numpy(),
        encoder,
    )
    return profiles, index


def vars_of(index: SearchIndex) -> dict[str, object]:
    """The fields of an index."""
    return {name: getattr(index, name) for name in index.__dataclass_fields__}


def rankings(index: SearchIndex, encoder: Encoder) -> dict[str, Ranks]:
    """The ways of finding that are compared."""
    document_of = index.document_of

    def best(scores: NDArray[np.float32], depth: int = 1000) -> NDArray[np.int32]:
        rows = np.flatnonzero(scores > 0)
        return rows[np.lexsort((-index.popularity[rows], -scores[rows]))][:depth].astype(np.int32)

    def bm25(query: str, depth: int = DEPTH) -> NDArray[np.int32]:
        return best(index.by_words.coverage(words(query))[document_of], depth)

    def by_meaning(query: str, depth: int = DEPTH) -> NDArray[np.int32]:
        return best((index.vectors @ encoder.encode([query])[0])[document_of], depth)

    def rank_fusion(query: str) -> NDArray[np.int32]:
        total = np.zeros(index.n_items, np.float32)
        for rows in (bm25(query, 1000), by_meaning(query, 1000)):
            total[rows] += 1 / (60 + np.arange(1, rows.size + 1))
        return best(total, DEPTH)

    return {
        "BM25": bm25,
        "vectors": by_meaning,
        "rank fusion": rank_fusion,
        "fused, without vectors": lambda query: index.search(query, DEPTH).rows,
        "fused": lambda query: index.search(query, DEPTH, encoder=encoder).rows,
    }


def compared(
    index: SearchIndex,
    encoder: Encoder,
    queries: Sequence[tuple[str, set[int]]],
    metric: Callable[[NDArray[np.int32], set[int]], float],
) -> dict[str, NDArray[np.float64]]:
    """The metric of every query, for each way."""
    return {
        name: np.array([metric(find(query), right) for query, right in queries])
        for name, find in rankings(index, encoder).items()
    }


def report(name: str, values: dict[str, NDArray[np.float64]]) -> None:
    """Print the means, and the differences to BM25."""
    print(f"\n{name}")
    for way, each in values.items():
        line = f"  {way:<24} {each.mean():.4f}"
        if way != "BM25":
            difference = paired_bootstrap(each, values["BM25"])
            line += f"   {difference.mean:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}] to BM25"
        print(line)


def reciprocal_rank(rows: NDArray[np.int32], right: set[int]) -> float:
    """1 over the place of the first right item, 0 where none is among the first 10."""
    return next((1 / place for place, row in enumerate(rows[:DEPTH].tolist(), 1) if row in right), 0.0)


def ndcg(rows: NDArray[np.int32], right: set[int]) -> float:
    """NDCG@10, an item is right or not."""
    gains = 1 / np.log2(np.arange(2, DEPTH + 2))
    hits = np.array([row in right for row in rows[:DEPTH].tolist()], float)
    return float((hits * gains[: hits.size]).sum() / gains[: min(DEPTH, len(right))].sum())


def misspelt(title: str, rng: np.random.Generator) -> str:
    """One error in each of the two longest words: a letter left out, doubled, wrong, or two in the wrong order."""
    parts = title.lower().split()
    longest = sorted(range(len(parts)), key=lambda at: -len(parts[at]))[:2]
    for at in longest:
        word = parts[at]
        if len(word) < 4:
            continue
        place = int(rng.integers(1, len(word) - 1))
        letter = chr(97 + int(rng.integers(26)))
        parts[at] = (
            word[:place] + word[place + 1 :],
            word[:place] + word[place] + word[place:],
            word[:place] + letter + word[place + 1 :],
            word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        )[int(rng.integers(4))]
    return " ".join(parts)


def _shuffled(title: str, rng: np.random.Generator) -> str:
    parts = title.lower().split()
    return " ".join(parts[at] for at in rng.permutation(len(parts)))


def _shortened(title: str, rng: np.random.Generator) -> str:
    """Half of the words, at least two."""
    parts = title.lower().split()
    kept = sorted(rng.permutation(len(parts))[: max(2, len(parts) // 2)].tolist())
    return " ".join(parts[at] for at in kept)


def _joined(title: str, rng: np.random.Generator) -> str:
    """Two neighbouring words written as one."""
    parts = title.lower().split()
    at = int(rng.integers(max(1, len(parts) - 1)))
    return " ".join([*parts[:at], "".join(parts[at : at + 2]), *parts[at + 2 :]])


CHANGES: dict[str, Callable[[str, np.random.Generator], str]] = {
    "as it is": lambda title, _: title.lower(),
    "misspelt": misspelt,
    "shuffled": _shuffled,
    "shortened": _shortened,
    "joined": _joined,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("known", "labelled", "personal", "speed"))
    parser.add_argument("home", type=Path)
    parser.add_argument("family", nargs="?", default="item_neighbours")
    parser.add_argument("--encoder", choices=("wordllama", "minilm"), default="wordllama")
    parser.add_argument("--queries", type=int, default=1000)
    args = parser.parse_args()
    encoder = load_encoder(args.encoder)
    print(f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}, "
          f"bm25s {version('bm25s')}, {encoder.name}")  # fmt: skip
    if args.what == "personal":
        personal(args.home, args.family, encoder, args.queries)
    else:
        {"known": known, "labelled": labelled, "speed": speed}[args.what](args.home, encoder, args.queries)


if __name__ == "__main__":
    main()
