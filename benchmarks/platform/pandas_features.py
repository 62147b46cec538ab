"""The feature tables in pandas; `benchmarks.platform.pandas_steps` runs them."""

from __future__ import annotations

import numpy as np
import pandas as pd

DESCRIBED = ["title", "department", "category", "subcategory", "brand", "manufacturer", "package_size"]
TOLD = [
    "age_group", "income_group", "household_size", "household_type", "home_ownership", "marital_status", "children",
    "country",
]  # fmt: skip
DAY = 86400.0


def interactions(events: pd.DataFrame) -> pd.DataFrame:
    """One row a user, item and behaviour."""
    newest = events["event_time"].max()
    kept = events[events["kept_quantity"] > 0]
    age = (kept["event_time"] - newest).dt.total_seconds() / DAY
    subsets = pd.CategoricalDtype(["train", "valid", "test"], ordered=True)
    made = (
        kept.assign(weight=np.exp2(age / 60.0), subset=kept["subset"].astype(subsets).cat.codes)
        .groupby(["user_id", "item_id", "behaviour"], sort=False)
        .agg(
            subset=("subset", "min"),
            count=("item_id", "size"),
            quantity=("kept_quantity", "sum"),
            spend=("kept_amount", "sum"),
            first_time=("event_time", "min"),
            last_time=("event_time", "max"),
            recency_weight=("weight", "sum"),
        )
        .reset_index()
    )
    return made.assign(subset=pd.Categorical.from_codes(made["subset"], dtype=subsets))


def days_before(newest: pd.Timestamp, times: pd.Series) -> pd.Series:
    """Days from each time to the newest."""
    return ((newest - times).dt.total_seconds() / DAY).fillna(0)


def totals(events: pd.DataFrame, key: str) -> pd.DataFrame:
    """What both profiles sum up for each user or item."""
    newest = events["event_time"].max()
    month = pd.Timedelta(days=28)
    marked = events.assign(
        recent=events["event_time"] > newest - month,
        before=(events["event_time"] <= newest - month) & (events["event_time"] > newest - 2 * month),
        discounted=events["discount"] > 0,
        squares=events["unit_price"] ** 2,
    )
    return marked.groupby(key).agg(
        events=("amount", "size"),
        baskets=("basket", "nunique"),
        stores=("store_id", "nunique"),
        active_days=("day", "nunique"),
        bought_quantity=("quantity", "sum"),
        quantity=("kept_quantity", "sum"),
        spend=("kept_amount", "sum"),
        price_sum=("unit_price", "sum"),
        prices=("unit_price", "count"),
        price_squares=("squares", "sum"),
        price_min=("unit_price", "min"),
        price_max=("unit_price", "max"),
        discount=("discount", "sum"),
        amount=("amount", "sum"),
        discounted=("discounted", "sum"),
        weekend=("weekend", "sum"),
        evening=("evening", "sum"),
        first_time=("event_time", "min"),
        last_time=("event_time", "max"),
        recent=("recent", "sum"),
        before=("before", "sum"),
    )


def user_profiles(events: pd.DataFrame, users: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """One row a user."""
    newest = events["event_time"].max()
    t = totals(events, "user_id")
    of_item = events[["user_id", "item_id"]].merge(items[["item_id", "category"]], on="item_id", how="left")
    of_item["category"] = of_item["category"].fillna("unknown")
    in_category = of_item.groupby(["user_id", "category"]).size()
    category = in_category.groupby("user_id").agg(["size", "max", "sum"])
    pairs = events.groupby(["user_id", "item_id"])["basket"].nunique().groupby("user_id").agg(["size", "sum"])
    everyone = pd.Index(t.index.union(users["user_id"]), name="user_id")
    said = users.set_index("user_id").reindex(everyone)
    described = everyone.isin(users["user_id"])
    t, category, pairs = (frame.reindex(everyone) for frame in (t, category, pairs))
    order = t["events"].fillna(0).reset_index().sort_values(["events", "user_id"]).index
    third = pd.Series(np.empty(len(everyone), int), everyone)
    third.iloc[order] = np.arange(len(everyone)) * 3 // len(everyone)
    activity = third.map({0: "low", 1: "medium", 2: "high"})
    told = said[TOLD].fillna("unknown")
    segment = np.select(
        [told["age_group"] != "unknown", told["income_group"] != "unknown"],
        ["age " + told["age_group"], "income " + told["income_group"]],
        "activity " + activity,
    )
    counted = ["events", "baskets", "stores", "quantity", "spend", "active_days"]
    made = told.assign(
        segment=segment,
        activity=activity,
        **{name: t[name].fillna(0) for name in counted},
        items=pairs["size"].fillna(0),
        categories=category["size"].fillna(0),
        spend_per_basket=(t["spend"] / t["baskets"]).fillna(0),
        events_per_basket=(t["events"] / t["baskets"]).fillna(0),
        price_mean=(t["price_sum"] / t["prices"]).fillna(0),
        discount_share=(t["discount"] / (t["discount"] + t["amount"])).fillna(0),
        returned_share=(1 - t["quantity"] / t["bought_quantity"]).fillna(0),
        repeat_share=(1 - pairs["size"] / pairs["sum"]).fillna(0),
        top_category_share=(category["max"] / category["sum"]).fillna(0),
        weekend_share=(t["weekend"] / t["events"]).fillna(0),
        evening_share=(t["evening"] / t["events"]).fillna(0),
        days_since_first=days_before(newest, t["first_time"]),
        days_since_last=days_before(newest, t["last_time"]),
        days_between_baskets=(
            (t["last_time"] - t["first_time"]).dt.total_seconds()
            / DAY
            / (t["baskets"] - 1).replace(0, np.nan)
        ).fillna(0),
        recent_share=(t["recent"] / t["events"]).fillna(0),
        described=described,
        filled=said["filled"].where(described, pd.Series([TOLD] * len(everyone), everyone)),
    )
    return made.reset_index()


def item_profiles(events: pd.DataFrame, items: pd.DataFrame, promotions: pd.DataFrame) -> pd.DataFrame:
    """One row an item."""
    newest = events["event_time"].max()
    made = all_items(events, items).set_index("item_id")
    t = totals(events, "item_id")
    t["price_median"] = events.groupby("item_id")["unit_price"].median()
    pairs = events.groupby(["item_id", "user_id"])["basket"].nunique()
    buyers = pd.DataFrame({
        "users": pairs.groupby("item_id").size(),
        "repeaters": (pairs > 1).groupby("item_id").sum(),
        "baskets": pairs.groupby("item_id").sum(),
    })  # fmt: skip
    promoted = (
        promotions.assign(placed=promotions["coupon_id"].isna())
        .groupby("item_id")
        .agg(
            placements=("placed", "sum"),
            displays=("display", "count"),
            mailers=("mailer", "count"),
            coupons=("coupon_id", "count"),
        )
    )
    t, buyers, promoted = (frame.reindex(made.index) for frame in (t, buyers, promoted))
    mean = t["price_sum"] / t["prices"]
    spread = np.sqrt((t["price_squares"] / t["prices"] - mean**2).clip(lower=0)) / mean
    for name in ("events", "quantity", "stores", "active_days", "price_min", "price_max", "price_median"):
        made[name] = t[name].fillna(0)
    for name in ("users", "baskets"):
        made[name] = buyers[name].fillna(0)
    made["text"] = (
        made["title"]
        .str.cat([made[name].replace("unknown", "") for name in DESCRIBED[1:5]], sep=", ")
        .str.replace(r"(, )+", ", ", regex=True)
    )
    category, brand = made["category"], [made["brand"], made["manufacturer"]]
    category_price = t["price_sum"].groupby(category).transform("sum") / t["prices"].groupby(
        category
    ).transform("sum")
    made = made.assign(
        revenue=t["spend"].fillna(0),
        quantity_per_event=(t["quantity"] / t["events"]).fillna(0),
        events_per_user=(t["events"] / buyers["users"]).fillna(0),
        price_mean=mean.fillna(0),
        price_spread=spread.fillna(0),
        price_to_category=(mean / category_price).fillna(0),
        discount_share=(t["discount"] / (t["discount"] + t["amount"])).fillna(0),
        discounted_share=(t["discounted"] / t["events"]).fillna(0),
        returned_share=(1 - t["quantity"] / t["bought_quantity"]).fillna(0),
        repeat_rate=(buyers["repeaters"] / buyers["users"]).fillna(0),
        weekend_share=(t["weekend"] / t["events"]).fillna(0),
        days_since_first=days_before(newest, t["first_time"]),
        days_since_last=days_before(newest, t["last_time"]),
        recent_share=(t["recent"] / t["events"]).fillna(0),
        trend=((t["recent"] - t["before"]) / (t["recent"] + t["before"])).fillna(0),
        popularity=(made["events"].rank(method="min") - 1) / max(len(made) - 1, 1),
        category_items=category.groupby(category).transform("size"),
        category_share=made["events"] / made["events"].groupby(category).transform("sum").replace(0, np.nan),
        brand_items=made["events"].groupby(brand).transform("size"),
        brand_share=made["events"] / made["events"].groupby(brand).transform("sum").replace(0, np.nan),
        placements=promoted["placements"].fillna(0),
        display_share=(promoted["displays"] / promoted["placements"]).fillna(0),
        mailer_share=(promoted["mailers"] / promoted["placements"]).fillna(0),
        coupons=promoted["coupons"].fillna(0),
    )
    return made.fillna({"category_share": 0, "brand_share": 0}).reset_index()


def all_items(events: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Items that are described or were bought."""
    bought = pd.Series(events["item_id"].unique())
    unknown = pd.DataFrame({"item_id": bought[~bought.isin(items["item_id"])]})
    unknown = unknown.assign(
        title="item " + unknown["item_id"], **dict.fromkeys(DESCRIBED[1:], "unknown"), described=False
    )
    unknown["filled"] = [DESCRIBED] * len(unknown)
    described = items[["item_id", *DESCRIBED, "filled"]].assign(described=True)
    return pd.concat([described, unknown], ignore_index=True)


def item_relations(events: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """At most 20 neighbours bought together, 10 of the category and 10 of the brand."""
    baskets = events.loc[events["kept_quantity"] > 0, ["basket", "item_id"]].drop_duplicates()
    popularity = baskets.groupby("item_id").size()
    frequent = popularity[popularity >= 10].sort_index()
    number = pd.Series(np.arange(len(frequent)), frequent.index)
    drawn = pd.DataFrame({
        "basket": pd.factorize(baskets["basket"])[0],
        "number": baskets["item_id"].map(number).to_numpy(dtype="float64", na_value=np.nan),
        "draw": pd.util.hash_array(np.arange(len(baskets))),
    }).dropna()  # fmt: skip
    drawn = drawn.sort_values(["basket", "draw"])
    drawn = drawn[drawn.groupby("basket").cumcount() < 40].astype({"number": "int32", "basket": "int32"})
    pairs = drawn[["basket", "number"]].merge(
        drawn[["basket", "number"]], on="basket", suffixes=("_one", "_other")
    )
    pairs = pairs[pairs["number_other"] > pairs["number_one"]]
    counts = pairs.groupby(["number_one", "number_other"]).size()
    counts = counts[counts >= 3].rename("together").reset_index()
    swapped = counts.rename(columns={"number_one": "number_other", "number_other": "number_one"})
    both = pd.concat([counts, swapped], ignore_index=True)
    size = frequent.to_numpy()
    both["weight"] = np.minimum(
        1, both["together"] / np.sqrt(size[both["number_one"]] * size[both["number_other"]])
    )
    both = both.sort_values(["number_one", "weight", "number_other"], ascending=[True, False, True])
    both = both[both.groupby("number_one").cumcount() < 20]
    ids = frequent.index.to_numpy()
    together = pd.DataFrame({
        "item_id": ids[both["number_one"]], "other_id": ids[both["number_other"]], "relation": "bought_together",
        "weight": both["weight"].to_numpy(),
    })  # fmt: skip
    known = all_items(events, items)
    known = known.assign(baskets=known["item_id"].map(popularity).fillna(0).astype("int64"))
    parts = [together]
    for relation, narrow, wide in (
        ("same_category", "subcategory", "category"),
        ("same_brand", "manufacturer", "brand"),
    ):
        name = known[narrow].where(known[narrow] != "unknown", known[wide])
        ranked = known.assign(name=name)[name != "unknown"].sort_values(
            ["name", "baskets", "item_id"], ascending=[True, False, True]
        )
        ranked["place"] = ranked.groupby("name").cumcount() + 1
        best = ranked.loc[ranked["place"] <= 10, ["name", "item_id", "place"]]
        joined = ranked[["name", "item_id"]].merge(best, on="name", suffixes=("", "_other"))
        joined = joined[joined["item_id"] != joined["item_id_other"]]
        parts.append(
            pd.DataFrame({
                "item_id": joined["item_id"], "other_id": joined["item_id_other"], "relation": relation,
                "weight": 1 / joined["place"],
            })
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def user_sequences(events: pd.DataFrame) -> pd.DataFrame:
    """The last 200 events of each user, in order."""
    order = ["user_id", "event_time", "order_id", "item_id", "behaviour", "_file", "_line"]
    kept = events[events["kept_quantity"] > 0].sort_values(order)
    last = kept.groupby("user_id").tail(200).astype({"item_id": object, "behaviour": object})
    return (
        last.groupby("user_id")
        .agg(
            items=("item_id", list),
            behaviours=("behaviour", list),
            times=("event_time", list),
            length=("item_id", "size"),
        )
        .reset_index()
    )
