"""What the statistics of experiments promise, counted on experiments whose truth is known.

    python benchmarks/experiments.py aa             2,000 experiments without an effect, looked at 50 times each
    python benchmarks/experiments.py power          how often a planted effect is found at the size that was promised
    python benchmarks/experiments.py cuped          repeat buyers of UCI Online Retail, dealt into arms a thousand times
    python benchmarks/experiments.py off-policy     the Open Bandit logs, from the wheel of obp 0.4.1 (--wheel FILE)

Where an interval misses the truth at any of the looks, the experiment counts as a false alarm. Beside the confidence
sequences stands what most tools do: Welch's t-test at each look, and the first p below 0.05 believed.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import norm

from recsys_assets.experiments.adjustment import adjusted
from recsys_assets.experiments.interval import difference_interval
from recsys_assets.experiments.off_policy import Value, doubly_robust, inverse_propensity, self_normalised
from recsys_assets.experiments.sample_ratio import sample_ratio_p
from recsys_assets.experiments.sample_size import units_needed

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]


def conversion(generator: np.random.Generator, units: int) -> NDArray[np.float64]:
    """Three of a hundred buy."""
    return (generator.random(units) < 0.03).astype(np.float64)


def revenue(generator: np.random.Generator, units: int) -> NDArray[np.float64]:
    """One of ten buys, for amounts of which a few are very large."""
    return np.where(generator.random(units) < 0.1, generator.lognormal(3, 1, units), 0.0)


def aa(tests: int, looks: int, units: int) -> None:
    """False alarms among experiments without an effect."""
    rows = []
    for name, draw in (("conversion 3 %", conversion), ("revenue", revenue)):
        for growing in (False, True):
            rows.append({"metric": name, **_false_alarms(draw, growing, tests, looks, units)})
    _print(rows)
    mismatches = 0
    generator = np.random.default_rng(1)
    for _ in range(tests):
        count = int(generator.binomial(units, 0.5))
        mismatches += sample_ratio_p([count, units - count], [0.5, 0.5]) < 0.001
    print(f"\nsample ratio: {mismatches} of {tests:,} alarms below 0.001 where nothing is wrong")


def _false_alarms(draw: Draw, growing: bool, tests: int, looks: int, units: int) -> dict[str, object]:
    """`growing`: all units are there from the first look, and what each did grows from look to look."""
    generator = np.random.default_rng(20)
    sequence = naive = 0
    for _ in range(tests):
        arm = generator.random(units) < 0.5
        day = generator.integers(0, looks, (units, 2))
        pieces = [draw(generator, units), draw(generator, units)]
        missed = found = False
        for look in range(1, looks + 1):
            end = units if growing else units * look // looks
            seen, mine = pieces[0][:end], arm[:end]
            if growing:
                seen = np.where(day[:, 0] < look, pieces[0], 0) + np.where(day[:, 1] < look, pieces[1], 0)
            one, zero = seen[mine], seen[~mine]
            missed |= difference_interval(one, zero, alpha=0.05, planned=20_000).excludes_zero
            found |= _t_test_finds(one, zero)
            if missed and found:
                break
        sequence += missed
        naive += found
    return {
        "units": "come back" if growing else "come once",
        "tests": tests,
        "looks": looks,
        "sequence": f"{sequence / tests:.2%}",
        "t-test at each look": f"{naive / tests:.1%}",
        "target": "≤ 5 %",
        "met": "yes" if sequence / tests <= 0.05 else "NO",
    }


def _t_test_finds(one: NDArray[np.float64], zero: NDArray[np.float64]) -> bool:
    spread = one.var(ddof=1) / one.size + zero.var(ddof=1) / zero.size
    return bool(spread > 0 and abs(one.mean() - zero.mean()) > norm.ppf(0.975) * np.sqrt(spread))


def power(tests: int, looks: int) -> None:
    """How often an effect is found at the promised number of units."""
    rows = []
    for effect, draw, mean, deviation in (
        (0.01, lambda g, n: g.normal(10, 3, n), 10.0, 3.0),
        (0.10, conversion, 0.03, np.sqrt(0.03 * 0.97)),
    ):
        units = units_needed(effect * mean, deviation, (0.5, 0.5), alpha=0.05, planned=20_000)
        fixed = int(np.ceil((2 * deviation * (norm.ppf(0.975) + norm.ppf(0.9)) / (effect * mean)) ** 2))
        generator = np.random.default_rng(30)
        found, stopped = 0, []
        for _ in range(tests):
            arm = generator.random(units) < 0.5
            values = draw(generator, units)
            if draw is conversion:
                values = np.where(
                    arm & (values == 0), generator.random(units) < effect * mean / (1 - mean), values
                )
            else:
                values = values + arm * effect * mean
            for look in range(1, looks + 1):
                end = units * look // looks
                interval = difference_interval(
                    values[:end][arm[:end]], values[:end][~arm[:end]], alpha=0.05, planned=20_000
                )
                if interval.excludes_zero:
                    found += 1
                    stopped.append(end)
                    break
        rows.append(
            {
                "effect": f"{effect:.0%}",
                "promised units": f"{units:,}",
                "one look, t-test": f"{fixed:,}",
                "found": f"{found / tests:.1%}",
                "median stop": f"{int(np.median(stopped)):,}",
                "target": "≥ 90 %",
                "met": "yes" if found / tests >= 0.9 else "NO",
            }
        )
    _print(rows)


def cuped(folder: Path, deals: int) -> None:
    """What the past takes from an interval, on customers of a real shop, and whether the estimate stays true."""
    events = pl.scan_csv(sorted(folder.glob("*.csv")), infer_schema=False).select(
        pl.col("CustomerID").alias("customer"),
        (pl.col("Quantity").cast(pl.Float64) * pl.col("UnitPrice").cast(pl.Float64)).alias("amount"),
        pl.col("InvoiceDate").str.slice(0, 10).alias("day"),
    )
    known = events.filter(
        pl.col("customer").is_not_null() & (pl.col("customer") != "") & (pl.col("amount") > 0)
    )
    frame = known.collect()
    split = sorted(frame["day"].unique())[frame["day"].n_unique() // 2]
    sums = frame.group_by("customer").agg(
        pl.col("amount").filter(pl.col("day") < split).sum().alias("before"),
        pl.col("day").filter(pl.col("day") < split).n_unique().alias("days_before"),
        pl.col("amount").filter(pl.col("day") >= split).sum().alias("spent"),
        pl.col("day").filter(pl.col("day") >= split).n_unique().alias("days"),
    )
    repeat = sums.filter((pl.col("before") > 0) & (pl.col("days_before") > 1)).sort("customer")
    past = repeat.select("before", "days_before").to_numpy().astype(np.float64)
    rows = []
    for name, outcome in (
        ("amount spent", repeat["spent"].to_numpy()),
        ("days with a purchase", repeat["days"].to_numpy().astype(np.float64)),
    ):
        generator = np.random.default_rng(40)
        effect = 0.05 * outcome.mean()
        raw, less, widths = [], [], []
        for _ in range(deals):
            arm = generator.random(outcome.size) < 0.5
            treated = outcome + arm * effect
            plain = difference_interval(treated[arm], treated[~arm], alpha=0.05, planned=2_000)
            taken = adjusted(treated, past, arm)
            better = difference_interval(taken[arm], taken[~arm], alpha=0.05, planned=2_000)
            raw.append(plain.estimate)
            less.append(better.estimate)
            widths.append(better.width / plain.width)
        error = np.std(less) / np.sqrt(deals)
        ratio = float(np.median(widths))
        bias = (np.mean(less) - effect) / error
        rows.append(
            {
                "outcome of repeat buyers": name,
                "customers": f"{outcome.size:,}",
                "width with its past": f"{ratio:.2f}",
                "true spread": f"{np.std(less) / np.std(raw):.2f}",
                "bias, standard errors": f"{bias:+.1f}",
                "target": "≤ 0.75, |bias| < 3",
                "met": "yes" if ratio <= 0.75 and abs(bias) < 3 else "NO",
            }
        )
    _print(rows)


def off_policy(wheel: Path | None) -> None:
    """Bernoulli Thompson sampling judged on what a random policy showed, beside what it really earned.

    What it would have shown, by item and position, is taken from how often it did: its own log does not say what it
    would have done elsewhere, and it learned while it ran.
    """
    with tempfile.TemporaryDirectory() as folder:
        if wheel is None:
            command = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "-d",
                folder,
                "obp==0.4.1",
            ]
            subprocess.run(command, check=True)
            wheel = next(Path(folder).glob("obp-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            rows = [_campaign(archive, campaign) for campaign in ("all", "men", "women")]
    _print([row for pair in rows for row in pair])


def _campaign(archive: zipfile.ZipFile, campaign: str) -> list[dict[str, object]]:
    log = _log(archive, "random", campaign)
    own = _log(archive, "bts", campaign)
    items = 1 + int(max(log["item_id"].max(), own["item_id"].max()))  # type: ignore[type-var, arg-type]
    places = [own.filter(pl.col("position") == place)["item_id"].to_numpy() for place in (1, 2, 3)]
    chances = np.stack([np.bincount(each, minlength=items) / each.size for each in places], axis=1)
    generator = np.random.default_rng(50)
    item, place = log["item_id"].to_numpy(), log["position"].to_numpy() - 1
    reward, propensity = log["click"].to_numpy(), log["propensity_score"].to_numpy()
    target = chances[item, place]
    half = generator.random(reward.size) < 0.5
    expected, of_target = np.empty(reward.size), np.empty(reward.size)
    for fold in (half, ~half):  # a model of the reward for one half, fitted on the other
        level = reward[~fold].mean()
        clicks = np.bincount(item[~fold], reward[~fold], items)
        rate = (clicks + 20 * level) / (np.bincount(item[~fold], minlength=items) + 20)
        expected[fold] = rate[item[fold]]
        of_target[fold] = (rate @ chances)[place[fold]]
    shown = float(own["click"].to_numpy().mean())
    values: list[tuple[str, Value]] = [
        ("IPS", inverse_propensity(reward, propensity, target)),
        ("SNIPS", self_normalised(reward, propensity, target)),
        ("DR", doubly_robust(reward, propensity, target, expected, of_target)),
    ]
    return [
        {
            "campaign": campaign,
            "estimator": name,
            "value": f"{value.estimate:.5f}",
            "95 %": f"{value.low:.5f} to {value.high:.5f}",
            "on policy": f"{shown:.4f}",
            "inside": "yes" if value.low <= shown <= value.high else "NO",
            "effective": f"{value.effective:,.0f} of {reward.size:,}",
            "mean weight": f"{value.mean_weight:.3f}",
        }
        for name, value in values
    ]


def _log(archive: zipfile.ZipFile, policy: str, campaign: str) -> pl.DataFrame:
    data = archive.read(f"obp/dataset/obd/{policy}/{campaign}/{campaign}.csv")
    return pl.read_csv(io.BytesIO(data), columns=["item_id", "position", "click", "propensity_score"])


def _print(rows: list[dict[str, object]]) -> None:
    columns = list(rows[0])
    widths = [max(len(column), *(len(str(row[column])) for row in rows)) for column in columns]
    for line in (dict(zip(columns, columns, strict=True)), *rows):
        print(
            "  ".join(str(line[column]).ljust(width) for column, width in zip(columns, widths, strict=True))
        )


def main() -> None:
    """Run one of the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", choices=("aa", "power", "cuped", "off-policy"))
    parser.add_argument("--tests", type=int, default=2_000)
    parser.add_argument("--looks", type=int, default=50)
    parser.add_argument("--units", type=int, default=20_000)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/online-retail"))
    parser.add_argument("--wheel", type=Path)
    given = parser.parse_args()
    print(f"machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} when this began")
    print(
        f"versions: Python {platform.python_version()}, numpy {version('numpy')}, scipy {version('scipy')}\n"
    )
    began = time.process_time()
    if given.table == "aa":
        aa(given.tests, given.looks, given.units)
    elif given.table == "power":
        power(given.tests, given.looks)
    elif given.table == "cuped":
        cuped(given.data, given.tests)
    else:
        off_policy(given.wheel)
    print(f"\n{time.process_time() - began:.1f} CPU s")


if __name__ == "__main__":
    main()
