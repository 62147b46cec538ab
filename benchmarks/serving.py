"""The table `recommendations` of a large shop: seconds and memory of lists with reasons, and growth with customers.

    python benchmarks/serving.py [--customers 31250 125000 500000] [--items 20000] [--history 20]
        [--family spectral item_neighbours user_neighbours] [--folder DIR] [--json]
    python benchmarks/serving.py foldin [--help]
    python benchmarks/serving.py http [--help]
    python benchmarks/serving.py kills [--help]
    python benchmarks/serving.py beside [--help]

A made-up shop: each customer viewed or bought about `--history` of the items, a few of them far more popular than
others. Its tables and a champion are written to a lake first, by a process of their own and outside the time; the
champion of `spectral` has 64 made-up numbers an item, `item_neighbours` is fitted. Then a process opens the lake and
materializes the asset as the platform does, with its checks, 20 items a customer. `lists` is what it takes to read and
to rank, `reasons` to find them, `table` to write, check and commit; peak memory is that of the whole process.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
from quality import machine  # noqa: E402

from recsys_assets.assets.serving import served_tables  # noqa: E402
from recsys_lineage.assets.frame_code import frame_code  # noqa: E402
from recsys_lineage.assets.materialize import materialize  # noqa: E402
from recsys_lineage.lake.blobs import blob_table  # noqa: E402
from recsys_lineage.lake.engine import Engine  # noqa: E402
from recsys_lineage.lake.lake import Lake  # noqa: E402
from recsys_models.families import families  # noqa: E402
from recsys_models.fitted.fitted_model import FitBasis  # noqa: E402

K = 20
DIM = 64
READS = ("champion", "split", "interaction_graph", "item_profiles", "users")
EVENTS = """
WITH drawn AS (
    SELECT DISTINCT c, least(i.items - 1, floor(i.items * (hash(c, n) / 18446744073709551616.0) ^ 3))::BIGINT AS item
    FROM range($customers) AS t(c), (SELECT $items AS items) AS i, range(2 * $history - 1) AS r(n)
    WHERE n <= hash(c) % (2 * $history - 1)
)
SELECT
    'c' || lpad(c::VARCHAR, 9, '0') AS user_id,
    'i' || lpad(item::VARCHAR, 7, '0') AS item_id,
    if(hash(c, item) % 3 = 0, 'view', 'purchase') AS behaviour,
    hash(c, item) % 3 <> 0 AS is_target,
    ['train', 'train', 'valid', 'test'][1 + (hash(item, c) % 4)::BIGINT] AS subset,
    1 + hash(c) % 3 AS count,
    TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_seconds((hash(c, item) % 10000000)::BIGINT) AS last_time
FROM drawn
"""
ITEMS = "SELECT 'i' || lpad(i::VARCHAR, 7, '0') AS item_id, 'Item number ' || i AS title FROM range($items) AS t(i)"
USERS = "SELECT 'c' || lpad(c::VARCHAR, 9, '0') AS user_id FROM range($customers) AS t(c)"


def lake_in(folder: Path) -> Lake:
    """The lake of the made-up shop."""
    return Lake(str(folder / "lake"), Engine())


def prepare(folder: Path, family: str, customers: int, items: int, history: int) -> None:
    """Write the tables that `recommendations` reads."""
    lake = lake_in(folder)

    def table(name: str, data: str | pa.Table, **parameters: Any) -> None:
        with lake.connect() as connection:
            if isinstance(data, pa.Table):
                connection.register("files", data)
            query = data if isinstance(data, str) else "FROM files"
            with lake.draft(name, query, connection=connection, parameters=parameters) as draft:
                draft.commit()

    table("split", EVENTS, customers=customers, items=items, history=history)
    table("item_profiles", ITEMS, items=items)
    table("users", USERS, customers=customers)
    from recsys_models import Interactions, interaction_graph

    with lake.connect() as connection:
        frame = connection.sql(f"FROM {lake.relation(lake.version('split'))}").pl()
    interactions = Interactions.from_frame(
        frame, behaviour="behaviour", weight="count", timestamp="last_time"
    )
    table("interaction_graph", blob_table(interaction_graph(interactions).to_files()))
    if family == "spectral":
        draws = np.random.default_rng(0)
        state = {
            "user": draws.standard_normal((interactions.n_users, DIM), np.float32),
            "item": draws.standard_normal((interactions.n_items, DIM), np.float32),
        }
        model = families[family].restored({}, {}, FitBasis.of(interactions), state)
    else:
        model = families[family]().fit(interactions)
    table("champion", blob_table(model.to_files()))


def measure(folder: Path) -> dict[str, Any]:
    """Materialize the asset; what it took, where the time went, and how many rows it has."""
    stamps: list[float] = []

    class Timed(served_tables.ExplainedLists):
        def __init__(self, *arguments: Any) -> None:
            stamps.append(time.perf_counter())
            super().__init__(*arguments)
            stamps.append(time.perf_counter())

    setattr(served_tables, "ExplainedLists", Timed)  # noqa: B010
    asset = frame_code(
        served_tables.recommendations,
        parameters={"top_k": K},
        reads=READS,
        checks=served_tables.RECOMMENDATION_CHECKS,
    )
    began, busy = time.perf_counter(), time.process_time()
    outcome = materialize(asset, lake_in(folder))
    ended, cpu = time.perf_counter(), time.process_time() - busy
    assert outcome.version is not None
    listed, reasoned = stamps
    return {
        "seconds": ended - began,
        "cpu_seconds": cpu,
        "lists_seconds": listed - began,
        "reasons_seconds": reasoned - listed,
        "table_seconds": ended - reasoned,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "rows": outcome.version.rows,
    }


def child(folder: Path, *arguments: str) -> Any:
    """The JSON that this file prints in a process of its own."""
    command = [sys.executable, __file__, "--folder", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout) if done.stdout.strip() else None


def main() -> None:
    if sys.argv[1:2] == ["http"]:
        import serving_http

        serving_http.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["kills"]:
        import serving_kills

        serving_kills.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["beside"]:
        import serving_beside

        serving_beside.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["foldin"]:
        import foldin

        foldin.main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, nargs="+", default=[31_250, 125_000, 500_000])
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--history", type=int, default=20, help="mean number of items that a customer had")
    parser.add_argument("--family", nargs="+", default=["spectral", "item_neighbours"], choices=families)
    parser.add_argument("--folder", type=Path, help="where the made-up shops are written; a temporary one")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--step", choices=["prepare", "measure"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step == "prepare":
        (family,), (customers,) = arguments.family, arguments.customers
        prepare(arguments.folder, family, customers, arguments.items, arguments.history)
        return
    if arguments.step == "measure":
        print(json.dumps(measure(arguments.folder)))
        return
    parts = ("lists", "reasons", "table")
    if not arguments.json:
        heads = "".join(f"{part:>9}" for part in parts)
        print(
            f"{'family':>16}{'customers':>11}{'rows':>12}{'seconds':>9}{'CPU':>9}{heads}{'peak GB':>9}",
            flush=True,
        )
    results: list[dict[str, Any]] = []
    for family in arguments.family:
        for customers in sorted(arguments.customers):
            with tempfile.TemporaryDirectory(dir=arguments.folder) as place:
                shop = [
                    "--items",
                    str(arguments.items),
                    "--history",
                    str(arguments.history),
                    "--family",
                    family,
                ]
                child(Path(place), "--step", "prepare", "--customers", str(customers), *shop)
                row = {"family": family, "customers": customers, **child(Path(place), "--step", "measure")}
            results.append(row)
            if not arguments.json:
                cells = "".join(f"{row[f'{part}_seconds']:>9.1f}" for part in parts)
                print(
                    f"{family:>16}{customers:>11,}{row['rows']:>12,}{row['seconds']:>9.1f}{row['cpu_seconds']:>9.1f}"
                    f"{cells}{row['peak_gb']:>9.2f}",
                    flush=True,
                )
        last = [row for row in results if row["family"] == family][-2:]
        if len(last) == 2 and not arguments.json:
            few, many = last
            grown = math.log(many["cpu_seconds"] / few["cpu_seconds"])
            print(
                f"CPU seconds ~ customers^{grown / math.log(many['customers'] / few['customers']):.2f}",
                flush=True,
            )
    load = os.getloadavg()[0]
    if arguments.json:
        print(json.dumps({"machine": machine(), "load": load, "rows": results}))
        return
    print(f"{machine()}; load {load:.1f}")


if __name__ == "__main__":
    main()
