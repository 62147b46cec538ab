"""A home whose champion is a real model of a small shop with planted tastes, made by real assets with real records."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from recsys_assets.assets.serving.search_index import search_index
from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.lake.blobs import blob_table
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_models import Interactions, families

USERS, ITEMS, SHELVES = 60, 48, 6


def split() -> pl.DataFrame:
    """Customer u buys from shelf u % 6, and looks at things of all shelves."""
    rows = [
        {
            "user_id": f"customer-{user}",
            "item_id": f"item-{_bought(user, n) if n < 5 else (user * 7 + n) % ITEMS}",
            "behaviour": "purchase" if n < 5 else "view",
            "is_target": n < 5,
            "subset": "train",
            "count": 1 + (user + n) % 3,
        }
        for user in range(USERS)
        for n in range(8)
    ]
    moments = pl.datetime(2026, 1, 1, time_unit="us") + pl.duration(hours=pl.int_range(pl.len()))
    frame = pl.DataFrame(rows).with_columns(last_time=moments)
    return frame.unique(["user_id", "item_id", "behaviour"], maintain_order=True)


def _bought(user: int, n: int) -> int:
    return (user % SHELVES + SHELVES * (user * 5 + 3 * n)) % ITEMS


def item_profiles() -> pl.DataFrame:
    """Items on shelves, three quarters of them of a brand."""
    return pl.DataFrame(
        {
            "item_id": [f"item-{item}" for item in range(ITEMS)],
            "title": [f"thing {item}" for item in range(ITEMS)],
            "category": [f"shelf {item % SHELVES}" for item in range(ITEMS)],
            "brand": [None if item % 4 == 0 else f"brand {item % 3}" for item in range(ITEMS)],
            "text": [f"thing {item}, shelf {item % SHELVES}" for item in range(ITEMS)],
            "users": [USERS // SHELVES] * ITEMS,
        }
    )


def champion(inputs: Inputs, family: str, night: int) -> Output:
    """The model; each night is another version, though it may score alike."""
    frame = inputs.frame("split")
    model = families[family]().fit(
        Interactions.from_frame(frame, behaviour="behaviour", weight="count", timestamp="last_time")
    )
    model.incidents = [f"night {night}"]
    return Output(blob_table(model.to_files()), statistics={"family": family})


def lake_of(home: Path) -> Lake:
    """The home's tables."""
    return Lake(str(home / "lake"), Engine(threads=1, memory_limit="500MB"))


def train(home: Path, family: str = "item_neighbours", night: int = 0, table: str = "champion") -> str:
    """Make the next version of the champion; returns the id of its record."""
    code = frame_code(champion, name=table, reads=("split",), parameters={"family": family, "night": night})
    return materialize(code, lake_of(home)).record.id


def build(home: Path, family: str = "item_neighbours") -> Path:
    """Write the whole home."""
    lake = lake_of(home)
    for function in (split, item_profiles):
        materialize(frame_code(function), lake)
    index(lake)
    train(home, family)
    return home


def index(lake: Lake, encoder: str = "none") -> str:
    """Make the next version of the search index; returns the id of its record."""
    code = frame_code(search_index, reads=("item_profiles",), parameters={"encoder": encoder})
    return materialize(code, lake).record.id
