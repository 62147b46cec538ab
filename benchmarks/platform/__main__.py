"""What the platform costs, against its targets.

    python -m benchmarks.platform                          everything
    python -m benchmarks.platform demo                     the demo, twice
    python -m benchmarks.platform features --no-pandas     raw to features against bare DuckDB
    python -m benchmarks.platform growth --factors 1 2     a quick look at growth
    python -m benchmarks.platform recording                what recording costs, against a double
    python -m benchmarks.platform recording --demo         the same of all that the demo makes, models too
    python -m benchmarks.platform kills --count 10         ten times kill -9, not part of everything

Progress goes to stderr, the tables to stdout; `--json` prints one JSON object instead of the tables.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.platform.child import machine, say
from benchmarks.platform.demo import demo
from benchmarks.platform.features import features
from benchmarks.platform.growth import growth
from benchmarks.platform.kills import kills
from benchmarks.platform.recording import DEMO, GROUPS, recording

PARTS = ("demo", "features", "recording", "growth")
ON_DEMAND = ("kills",)
# A ratio that is better when larger; for all other targets less is better.
AT_LEAST = {"pandas / platform", "pandas, Arrow / platform"}


def main() -> None:
    """Measure the asked-for parts and print them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.platform",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"of {', '.join(PARTS + ON_DEMAND)}; all but the last when none",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--repeats", type=int, default=3, help="runs of platform and bare each (3)")
    parser.add_argument("--no-pandas", action="store_true", help="leave pandas out of features")
    parser.add_argument("--factors", type=int, nargs="+", default=[1, 4, 16], help="of growth (1 4 16)")
    parser.add_argument("--promotions", action="store_true", help="growth: promotions grow too")
    parser.add_argument("--models", action="store_true", help="growth: go on to models and recommendations")
    parser.add_argument(
        "--memory-limit", default="2GB", help="growth: DuckDB's memory before it spills (2GB)"
    )
    parser.add_argument("--scratch", type=Path, help="growth: a folder on a disk with room")
    parser.add_argument("--demo", action="store_true", help="recording: of all that the demo makes")
    parser.add_argument("--count", type=int, default=10, help="kills: how many (10)")
    parser.add_argument(
        "--source", default="complete-journey", help="kills: of which source (complete-journey)"
    )
    parser.add_argument("--data", type=Path, help="kills: the folder of its files")
    parser.add_argument("--seed", type=int, default=0, help="kills: of the moments (0)")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS + ON_DEMAND):
        parser.error(
            f"expected parts among {', '.join(PARTS + ON_DEMAND)}; found {', '.join(sorted(unknown))}"
        )
    found: dict[str, Any] = {"where": machine()}
    for part in asked.parts or PARTS:
        say(f"{part}:")
        if part == "demo":
            found[part] = demo()
        elif part == "features":
            found[part] = features(asked.repeats, not asked.no_pandas)
        elif part == "recording":
            found[part] = recording(asked.repeats, DEMO if asked.demo else GROUPS)
        elif part == "kills":
            found[part] = kills(asked.count, asked.source, asked.data, asked.seed)
        else:
            found[part] = growth(
                sorted(asked.factors), promotions=asked.promotions, models=asked.models,
                memory_limit=asked.memory_limit, scratch=asked.scratch,
            )  # fmt: skip
    if asked.json:
        print(json.dumps(found))
        return
    for name, text in found["where"].items():
        print(f"{name}: {text}")
    if "demo" in found:
        _show_demo(found["demo"])
    if "features" in found:
        _show_features(found["features"])
    if "recording" in found:
        _table("Recording, medians", found["recording"]["medians"])
        _targets(found["recording"]["targets"])
    if "growth" in found:
        _show_growth(found["growth"])
    if "kills" in found:
        _table(
            f"kill -9, {found['kills']['source']}, {found['kills']['tables']} tables", found["kills"]["rows"]
        )
        _targets(found["kills"]["targets"])


def _show_demo(found: Mapping[str, Any]) -> None:
    _table("recsys demo", found["runs"])
    moved = found["tables_with_a_new_version"]
    print(f"tables with a new version after the second run: {', '.join(moved) or 'none'}")
    _targets(found["targets"])


def _show_features(found: Mapping[str, Any]) -> None:
    _table("Raw to features, medians", found["medians"])
    _table("Seconds by table", found["tables"], columns=list(found["medians"]))
    for name, ratio in found["ratios"].items():
        print(f"{name:<40}{ratio:>10.2f}")
    for way, rows in found["other_rows"].items():
        text = ", ".join(
            f"{table} {count:,} (platform {found['rows'][table]:,})" for table, count in rows.items()
        )
        print(f"rows of {way}: {'as the platform but ' + text if text else 'as the platform in every table'}")
    differ = found["fingerprints_differ"]
    print(f"tables that differ between runs of the platform: {', '.join(differ) or 'none'}")
    _targets(found["targets"])


def _show_growth(found: Mapping[str, Any]) -> None:
    shown = ("rows", "events", "promotions", "seconds", "cpu_seconds", "peak_gb", "lake_gb")
    _table("Growth", {name: {key: run[key] for key in shown} for name, run in found["runs"].items()})
    times = {
        table: {name: run["tables_cpu"][table] for name, run in found["runs"].items()}
        for table in next(iter(found["runs"].values()))["tables_cpu"]
    }
    for table, exponent in found["exponents"].items():
        times.setdefault(table, {})["exponent"] = exponent
    _table(
        "CPU seconds by table", times, columns=[*found["runs"], *(["exponent"] if found["exponents"] else [])]
    )
    _targets(found["targets"])


def _table(title: str, rows: Mapping[str, Mapping[str, float]], columns: list[str] | None = None) -> None:
    names = columns or list(dict.fromkeys(name for row in rows.values() for name in row))
    print(f"\n{title}\n{'':28}" + "".join(f"{name:>20}" for name in names))
    for label, row in rows.items():
        cells = (
            f"{'':>20}"
            if name not in row
            else f"{row[name]:>20,}"
            if isinstance(row[name], int)
            else f"{row[name]:>20.2f}"
            for name in names
        )
        print(f"{label:28}" + "".join(cells))


def _targets(targets: Mapping[str, list[float]]) -> None:
    for name, (value, limit) in targets.items():
        at_least = name in AT_LEAST
        met = value >= limit if at_least else value <= limit
        sign = "≥" if at_least else "≤"
        print(f"{'met' if met else 'MISSED':<8}{name}: {value:.2f} (target {sign} {limit:g})")


if __name__ == "__main__":
    main()
