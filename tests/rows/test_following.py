"""Statements that are followed two at a time: what they ask alike is found once, and an error ends all of them."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import duckdb
import pytest

from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.rows.following import Following
from recsys_lineage.rows.made_parts import Made
from recsys_lineage.rows.step_cache import StepCache


def test_what_several_threads_ask_alike_is_filled_once() -> None:
    with duckdb.connect() as connection:
        cache, filled = StepCache(connection), []

        def fill(name: str) -> int:
            filled.append(name)
            time.sleep(0.05)
            return 7

        with ThreadPoolExecutor(8) as pool:
            names = list(pool.map(lambda n: cache.table(f"step {n % 2}", fill), range(16)))
    assert len(filled) == 2 and names == [names[0], names[1]] * 8
    assert [cache.numbers[name] for name in names[:2]] == [7, 7]


def test_a_step_that_was_not_filled_is_filled_by_who_asks_next() -> None:
    with duckdb.connect() as connection:
        cache, tried, lock = StepCache(connection), [], threading.Lock()

        def fill(name: str) -> int:
            with lock:
                tried.append(name)
                is_first = len(tried) == 1
            time.sleep(0.05)
            if is_first:
                raise duckdb.OutOfMemoryException("full")
            return 1

        def ask(_: int) -> str:
            try:
                return cache.table("step", fill)
            except duckdb.OutOfMemoryException:
                return "none"

        with ThreadPoolExecutor(4) as pool:
            names = list(pool.map(ask, range(4)))
    assert len(tried) == 2 and sorted(names) == sorted(["none", *[tried[1]] * 3])


def _made(*names: str) -> list[Made]:
    records = [SimpleNamespace(asset=name, reads=(), statement=None) for name in names]
    return [Made(cast(Materialization, record), None) for record in records]


@pytest.fixture
def following(tmp_path: Path) -> Following:
    return Following(Lake(str(tmp_path)))


def test_what_is_refused_beside_others_is_followed_again_alone(following: Following) -> None:
    counts = {"a": 0, "b": 0, "c": 0}

    def follow(made: Made) -> str:
        counts[made.record.asset] += 1
        return f"{made.record.asset} {counts[made.record.asset]} {threading.current_thread().name[:9]}"

    found = following.each("t", _made("a", "b", "c"), follow, lambda result: result.startswith("b 1"))
    assert [each[:3] for each in found] == ["a 1", "b 2", "c 1"]
    assert [each[4:] == "following" for each in found] == [True, False, True]


def test_an_error_is_told_and_what_was_not_begun_is_not(following: Following) -> None:
    begun: list[str] = []

    def follow(made: Made) -> str:
        begun.append(made.record.asset)
        if made.record.asset == "a":
            raise ValueError("a")
        time.sleep(0.2)
        return ""

    with pytest.raises(ValueError, match="a"):
        _ = following.each("t", _made("a", *(f"b{n}" for n in range(9))), follow, lambda _: False)
    assert len(begun) < 6
