"""The same steps in pandas: raw to features of The Complete Journey, vectorised, every table written to Parquet.

It makes the same tables from the same rows as the platform's SQL: mapping, checks with reasons, copies, returns,
fills, rejected rows, profiles, relations and sequences. With TYPES `numpy` columns are as `read_parquet` gives them
and text is pandas' own string type; with `arrow` both are Arrow's, which is the fastest pandas that we know.

It keeps tables in memory between steps instead of reading them back, has no parameters, sha256, fingerprints, checks
of results or records, and of a basket with more than 40 items it draws other 40 than DuckDB's hash does; all of that
is to its advantage or neutral. `benchmarks.platform.features` compares the number of rows of each table.

Run as `python -m benchmarks.platform.pandas_steps DATA FOLDER TYPES`; prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

RAW_EVENT = [
    "event_time", "user_id", "item_id", "order_id", "behaviour", "quantity", "unit_price", "amount", "discount",
    "store_id", "subset",
]  # fmt: skip
RAW_PROMOTION = [
    "item_id", "store_id", "kind", "display", "mailer", "coupon_id", "campaign_id", "start_day", "end_day",
]  # fmt: skip
DESCRIBED = ["title", "department", "category", "subcategory", "brand", "manufacturer", "package_size"]
TOLD = [
    "age_group", "income_group", "household_size", "household_type", "home_ownership", "marital_status", "children",
    "country",
]  # fmt: skip
LATER_REASONS = ("exact duplicate", "return of a purchase", "return without a purchase")
LARGEST = 100_000.0
TYPES = sys.argv[3] if len(sys.argv) > 3 else "arrow"
TEXT = pd.ArrowDtype(pa.string()) if TYPES == "arrow" else pd.StringDtype("python")


def parquet(path: Path) -> pd.DataFrame:
    """A Parquet file, with columns of the types that were asked for."""
    return pd.read_parquet(path, dtype_backend="pyarrow") if TYPES == "arrow" else pd.read_parquet(path)


def read(data: Path, name: str) -> pd.DataFrame:
    """A file, each row with its file and line."""
    frame = parquet(data / name)
    return frame.assign(_file=pd.Series(name, frame.index, dtype=TEXT), _line=np.arange(1, len(frame) + 1))


def text(column: pd.Series) -> pd.Series:
    """Trimmed text, missing where it is empty."""
    trimmed = column.astype(TEXT).str.strip()
    return trimmed.mask(trimmed == "")


def columns(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """The frame with all canonical columns; those that the source lacks are missing values."""
    return frame.assign(
        **{name: pd.Series(pd.NA, frame.index, dtype=TEXT) for name in names if name not in frame}
    )


def raw_events(data: Path) -> pd.DataFrame:
    """Every line of every basket."""
    lines = read(data, "transactions.parquet")
    discount = sum(
        lines[c].astype("float64") for c in ("retail_disc", "coupon_disc", "coupon_match_disc")
    )  # fmt: skip
    names = {
        "transaction_timestamp": "event_time", "household_id": "user_id", "product_id": "item_id",
        "basket_id": "order_id", "sales_value": "amount",
    }  # fmt: skip
    events = columns(lines.rename(columns=names).assign(discount=discount, behaviour="purchase"), RAW_EVENT)
    day = pd.to_datetime(events["event_time"], errors="coerce").dt.strftime("%Y-%m-%d")
    return events[[*RAW_EVENT, "_file", "_line"]].assign(_day=day)


def raw_users(data: Path) -> pd.DataFrame:
    """What households said."""
    names = {
        "household_id": "user_id", "age": "age_group", "income": "income_group", "household_comp": "household_type",
        "kids_count": "children",
    }  # fmt: skip
    return columns(read(data, "demographics.parquet").rename(columns=names), ["user_id", *TOLD])


def raw_items(data: Path) -> pd.DataFrame:
    """The products."""
    names = {
        "product_id": "item_id", "product_category": "category", "product_type": "subcategory",
        "manufacturer_id": "manufacturer",
    }  # fmt: skip
    return columns(read(data, "products.parquet").rename(columns=names), ["item_id", *DESCRIBED])


def raw_promotions(data: Path) -> pd.DataFrame:
    """Placements and coupons."""
    placed = read(data, "promotions.parquet")
    week = pd.to_timedelta((placed["week"].astype("int64") - 1) * 7, unit="D")
    placed = placed.assign(
        item_id=placed["product_id"],
        kind="placement",
        display=placed["display_location"].mask(placed["display_location"] == "0"),
        mailer=placed["mailer_location"].mask(placed["mailer_location"] == "0"),
        start_day=pd.Timestamp("2016-12-26") + week,
        end_day=pd.Timestamp("2017-01-01") + week,
    )
    coupons = read(data, "coupons.parquet").merge(
        parquet(data / "campaign_descriptions.parquet"),
        on="campaign_id",
        how="left",
    )
    coupons = coupons.assign(
        item_id=coupons["product_id"],
        kind="coupon",
        coupon_id=coupons["coupon_upc"],
        start_day=pd.to_datetime(coupons["start_date"]),
        end_day=pd.to_datetime(coupons["end_date"]),
    )
    kept = [*RAW_PROMOTION, "_file", "_line"]
    both = [columns(frame, RAW_PROMOTION)[kept] for frame in (placed, coupons)]
    whole = pd.concat(both, ignore_index=True)
    return whole.astype({"kind": TEXT, "_file": TEXT})


def reasons(rules: dict[str, pd.Series], index: pd.Index) -> pd.Series:
    """The first rule that a row breaks, missing where it breaks none; a category, as reasons are few."""
    masks = [rule.fillna(False).to_numpy(dtype=bool) for rule in rules.values()]
    codes = np.select(masks, [np.int8(n) for n in range(len(masks))], default=np.int8(-1))
    names = list(dict.fromkeys([*rules, *LATER_REASONS]))
    return pd.Series(pd.Categorical.from_codes(codes, categories=names), index)


def refused(table: str, frame: pd.DataFrame, raw: pd.DataFrame, reason: pd.Series) -> pd.DataFrame:
    """Rows that were not accepted, as they were."""
    bad = reason.notna()
    rows = raw.loc[bad]
    lines = rows.to_json(orient="records", lines=True, date_format="iso").splitlines() if len(rows) else []
    return pd.DataFrame(
        {"table_name": table, "reason": reason[bad].astype(TEXT), "raw_row": lines, "_file": frame.loc[bad, "_file"],
         "_line": frame.loc[bad, "_line"]}
    )  # fmt: skip


def filled(missing: dict[str, pd.Series], index: pd.Index) -> np.ndarray:
    """For each row the names of the columns that were empty; rows alike share one list."""
    bits = sum((column.to_numpy(dtype=bool).astype(int) << n) for n, column in enumerate(missing.values()))
    names = list(missing)
    lists = {b: [name for n, name in enumerate(names) if b >> n & 1] for b in np.unique(bits).tolist()}
    return pd.Series(bits, index).map(lists).to_numpy()


def clean_events(raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accepted and rejected events."""
    typed = raw.assign(
        event_time=pd.to_datetime(raw["event_time"], errors="coerce").astype("datetime64[us]"),
        **{name: text(raw[name]) for name in ("user_id", "item_id", "order_id", "store_id", "subset")},
        behaviour=text(raw["behaviour"]).str.lower(),
        **{name: pd.to_numeric(raw[name], errors="coerce").astype("float64")
           for name in ("quantity", "unit_price", "amount", "discount")},
    )  # fmt: skip
    day = typed["event_time"].dt.strftime("%Y-%m-%d")
    behind = typed["behaviour"] == "return"
    rules = {
        "missing user id": typed["user_id"].isna(),
        "missing item id": typed["item_id"].isna(),
        "event time cannot be read": typed["event_time"].isna(),
        "event time is outside the data's range": day != raw["_day"],
        **{f"{name} is not a number": typed[name].isna() & raw[name].notna()
           for name in ("quantity", "unit_price", "amount", "discount")},
        "quantity is zero": typed["quantity"] == 0,
        "quantity is out of range": typed["quantity"].abs() > LARGEST,
        "unit price is out of range": (typed["unit_price"] < 0) | (typed["unit_price"] > LARGEST),
        "amount is out of range": (typed["amount"].abs() > LARGEST * LARGEST)
        | ((typed["amount"] < 0) & (typed["quantity"].fillna(1) > 0) & ~behind),
        "discount is out of range": typed["discount"].abs() > LARGEST * LARGEST,
    }  # fmt: skip
    reason = reasons(rules, raw.index)
    copies = raw.sort_values(["_file", "_line"]).duplicated(RAW_EVENT).reindex(raw.index)
    reason = reason.mask(reason.isna() & copies, "exact duplicate")
    back = reason.isna() & ((typed["quantity"] < 0) | behind)
    returned = pd.Series(0.0, raw.index)
    if back.any():
        bought = typed[reason.isna() & ~back].reset_index()
        pairs = typed[back].reset_index().merge(bought, on=["user_id", "item_id"], suffixes=("", "_bought"))
        pairs["quantity"] = pairs["quantity"].abs()
        pairs = pairs[
            (pairs["event_time_bought"] <= pairs["event_time"])
            & (pairs["quantity_bought"] >= pairs["quantity"])
        ]
        pairs = pairs.sort_values("event_time_bought").groupby("index").last().sort_values("event_time")
        fits = pairs[pairs.groupby("index_bought")["quantity"].cumsum() <= pairs["quantity_bought"]]
        returned = returned.add(fits.groupby("index_bought")["quantity"].sum(), fill_value=0.0)
        reason = reason.mask(back, "return without a purchase")
        reason.loc[fits.index] = "return of a purchase"
    rejected = refused("raw_events", raw, raw[RAW_EVENT], reason)
    kept = typed.assign(returned_quantity=returned)[reason.isna()]
    gaps = {
        "event_time": kept["event_time"].isna(),
        "behaviour": kept["behaviour"].isna(),
        "quantity": kept["quantity"].isna(),
        "unit_price": kept["unit_price"].isna() & kept["amount"].notna(),
        "amount": kept["amount"].isna() & kept["unit_price"].notna(),
    }
    quantity = kept["quantity"].fillna(1)
    return kept.assign(
        behaviour=kept["behaviour"].fillna("purchase"),
        quantity=quantity,
        unit_price=kept["unit_price"].fillna((kept["amount"] / quantity).round(4)),
        amount=kept["amount"].fillna((quantity * kept["unit_price"]).round(4)),
        filled=filled(gaps, kept.index),
    ).rename(columns={"_day": "day"}), rejected


def clean_described(
    raw: pd.DataFrame, table: str, key: str, names: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accepted and rejected rows of a table that describes users or items."""
    typed = raw.assign(**{name: text(raw[name]) for name in [key, *names]})
    ordered = raw.sort_values(["_file", "_line"])
    rules = {
        f"missing {key[:4]} id": typed[key].isna(),
        "exact duplicate": ordered.duplicated([key, *names]).reindex(raw.index),
        "another description of it is more common": typed.loc[ordered.index]
        .duplicated(key)
        .reindex(raw.index),
    }
    reason = reasons(rules, raw.index)
    kept = typed[reason.isna()]
    gaps = {name: kept[name].isna() for name in names}
    made = kept.assign(filled=filled(gaps, kept.index))
    if "title" in names:
        group = kept["subcategory"].fillna(kept["category"]).fillna(kept["department"])
        title = group.str.cat(kept["package_size"], sep=", ").fillna(group).fillna("item " + kept[key])
        made["title"] = kept["title"].fillna(title)
    made[names] = made[names].fillna("unknown")
    return made, refused(table, raw, raw[[key, *names]], reason)


def clean_promotions(raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accepted and rejected promotions; the first of equal rows names its copies."""
    names = RAW_PROMOTION[:7]
    typed = raw.assign(**{name: text(raw[name]) for name in names})
    rules = {
        "missing item id": typed["item_id"].isna(),
        "start day is not a day": typed["start_day"].isna(),
        "end day is not a day": typed["end_day"].isna(),
        "it ends before it starts": typed["end_day"] < typed["start_day"],
    }
    reason = reasons(rules, raw.index)
    repeated = raw[raw.duplicated(RAW_PROMOTION, keep=False) & reason.isna()].sort_values(["_file", "_line"])
    place = repeated["_file"] + ":" + repeated["_line"].astype(TEXT)
    keys = [repeated[name] for name in RAW_PROMOTION]
    places = place.astype(object).groupby(keys, dropna=False).agg(list)
    first = repeated.drop_duplicates(RAW_PROMOTION)
    others = pd.Series(
        [found[1:] for found in places.reindex(pd.MultiIndex.from_frame(first[RAW_PROMOTION]))], first.index,
        dtype=object,
    )  # fmt: skip
    later = repeated.index.difference(first.index)
    reason.loc[later] = "exact duplicate"
    kept = typed[reason.isna()]
    return kept.assign(copies=others.reindex(kept.index)), refused(
        "raw_promotions", raw, raw[RAW_PROMOTION], reason
    )


def seen(events: pd.DataFrame) -> pd.DataFrame:
    """Events as the features see them."""
    basket = events["order_id"].fillna(events["user_id"].str.cat(events["day"].astype(TEXT), sep=" "))
    kept = events["quantity"] - events["returned_quantity"]
    return events.assign(
        basket=basket, kept_quantity=kept, kept_amount=events["amount"] * kept / events["quantity"],
        weekend=events["event_time"].dt.dayofweek >= 5, evening=events["event_time"].dt.hour >= 17,
    )  # fmt: skip


def main(data: Path, folder: Path) -> dict[str, object]:
    """Run all steps; seconds and rows by table."""
    from benchmarks.platform import pandas_features as features

    seconds: dict[str, float] = {}
    rows: dict[str, int] = {}

    def step(name: str, made: Callable[[], pd.DataFrame], by: str | None = None) -> pd.DataFrame:
        began = time.perf_counter()
        frame = made()
        if by:
            frame.to_parquet(
                folder / name,
                index=False,
                compression="zstd",
                partition_cols=[by],
                existing_data_behavior="overwrite_or_ignore",
            )
        else:
            frame.to_parquet(folder / f"{name}.parquet", index=False, compression="zstd")
        seconds[name], rows[name] = time.perf_counter() - began, len(frame)
        print(f"{name:<16}{seconds[name]:>8.1f} s{rows[name]:>12,} rows", file=sys.stderr, flush=True)
        return frame

    rejected: list[pd.DataFrame] = []

    def accepted(parts: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
        rejected.append(parts[1])
        return parts[0]

    promotions = step("raw_promotions", lambda: raw_promotions(data))
    promotions = step("promotions", lambda: accepted(clean_promotions(promotions)))
    events = step("raw_events", lambda: raw_events(data), by="_day")
    events = step("events", lambda: accepted(clean_events(events)))
    users = step("raw_users", lambda: raw_users(data))
    users = step("users", lambda: accepted(clean_described(users, "raw_users", "user_id", TOLD)))
    items = step("raw_items", lambda: raw_items(data))
    items = step("items", lambda: accepted(clean_described(items, "raw_items", "item_id", DESCRIBED)))
    step("rejected_rows", lambda: pd.concat(rejected, ignore_index=True))
    events = seen(events)
    step("interactions", lambda: features.interactions(events))
    step("user_profiles", lambda: features.user_profiles(events, users, items))
    step("item_profiles", lambda: features.item_profiles(events, items, promotions))
    step("item_relations", lambda: features.item_relations(events, items))
    step("user_sequences", lambda: features.user_sequences(events))
    return {"tables": seconds, "rows": rows}


if __name__ == "__main__":
    started, cpu = time.perf_counter(), time.process_time()
    found = main(Path(sys.argv[1]), Path(sys.argv[2]))
    timed = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}
    print(json.dumps({**timed, **found}))
