"""What two versions of a model have in common is stored once, also where the later one was fitted on new data."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from recsys_lineage.lake.blobs import read_blobs, write_blobs
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_models import Interactions, families

USERS, ITEMS, ROWS = 3_000, 400, 20_000
CLOSED = ("item_neighbours", "popularity", "spectral", "user_neighbours")


def interactions(more: int) -> Interactions:
    """The first rows are the same each time; `more` are purchases of items that customers had before, later on."""
    luck = np.random.default_rng(7)
    users, items = luck.integers(0, USERS, ROWS), luck.integers(0, ITEMS, ROWS)
    days = luck.integers(0, 90, ROWS)
    again = luck.integers(0, ROWS, more)
    users, items = np.append(users, users[again]), np.append(items, items[again])
    days = np.append(days, np.full(more, 95))
    times = np.datetime64("2024-01-01") + days.astype("timedelta64[D]")
    return Interactions.from_arrays(
        [f"customer {user}" for user in users], [f"item {item}" for item in items], timestamp=times
    )


@pytest.mark.parametrize("family", CLOSED)
def test_equal_arrays_of_two_versions_are_one_file(tmp_path: Path, family: str) -> None:
    lake = Lake(str(tmp_path), Engine(threads=1))
    made = [families[family]().fit(interactions(more)).to_files() for more in (0, 50)]
    versions = [write_blobs(lake, "model", files) for files in made]
    for version, files in zip(versions, made, strict=True):
        assert read_blobs(lake, version) == files
    contents = Counter(
        hashlib.sha256(content).hexdigest() for files in made for content in set(files.values())
    )
    stored = {file for version in versions for file in lake.files(version)}
    assert len(stored) == len(contents), "one file for each content, however many versions hold it"
    assert any(many == 2 for many in contents.values()), "the ids at the least are those of before"
    assert any(many == 1 for many in contents.values()), "and something was learned"
