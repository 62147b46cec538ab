"""Lineage derived from texts: what it costs to say from which columns each column comes.

    python benchmarks/lineage.py columns                 a thousand models of a chained warehouse, and one large query
    python benchmarks/lineage.py columns --models 100    a quick look
    python benchmarks/lineage.py columns --pure          with sqlglot's pure Python in place of its compiled core
    python benchmarks/lineage.py rows                    rows of The Complete Journey, back to file lines and forward

Columns. The models are made here: staging over 20 sources, and then joins, aggregates, windows, unions and pivots over
earlier models, 12 columns each; every one is given the columns of all tables before it. The large query is
`item_profiles` of the shop with a further 40 common table expressions around it. Each way is measured in a process of
its own with one thread, after one small query: a process that starts pays for that once, as a night of models does.
CPU seconds are those of a quiet machine.

Rows. The lake is that of RECSYS_HOME, in which `recsys demo` has made The Complete Journey. Back to file lines are
traced one of its 20.9 million promotions, one of its 1.47 million purchases and one customer's profile; forward through
every table one customer: the row of `raw_users`, and all purchases of the customer with the median number of them and
of the one with the most, from `events` and from `raw_events`. Each trace is measured in processes of its own, one after
another, of which the first takes statements apart that the others find taken apart; the table has medians.
"""

from __future__ import annotations

import argparse
import importlib.machinery
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_REPEATS = 7
_KINDS = ("join", "aggregate", "window", "union", "pivot", "left join")

Schemas = dict[str, dict[str, str]]


def warehouse(models: int, seed: int = 7) -> tuple[Schemas, list[tuple[str, str, dict[str, str]]]]:
    """Sources, and models in order, each with its SQL and the columns that it gives."""
    rng = random.Random(seed)
    sources: Schemas = {
        f"source_{number}": {
            "id": "BIGINT", "user_id": "VARCHAR", "kind": "VARCHAR", "moment": "TIMESTAMP",
            **{f"amount_{place}": "DECIMAL(18,4)" for place in range(4)},
            **{f"label_{place}": "VARCHAR" for place in range(4)},
        }
        for number in range(20)
    }  # fmt: skip
    made: list[tuple[str, str, dict[str, str]]] = []
    for number in range(models):
        if number < 20:
            made.append((f"model_{number}", _staging(f"source_{number}"), _CORE))
            continue
        near = [f"model_{each}" for each in rng.sample(range(max(0, number - 40), number), 3)]
        made.append((f"model_{number}", _model(rng.choice(_KINDS), near), _CORE))
    return sources, made


_CORE = {
    "user_id": "VARCHAR", "kind": "VARCHAR", "moment": "TIMESTAMP", "amount": "DOUBLE", "pieces": "DOUBLE",
    "share": "DOUBLE", "label": "VARCHAR", "place": "BIGINT", "first_time": "TIMESTAMP", "last_time": "TIMESTAMP",
    "events": "BIGINT", "is_new": "BOOLEAN",
}  # fmt: skip


def _staging(source: str) -> str:
    return f"""
WITH cleaned AS (
    SELECT
        trim(user_id) AS user_id, lower(kind) AS kind, moment,
        coalesce(amount_0, amount_1, 0)::DOUBLE AS amount, amount_2::DOUBLE AS pieces,
        CASE WHEN amount_3 > 0 THEN amount_0 / amount_3 END::DOUBLE AS share,
        concat_ws(', ', nullif(label_0, ''), nullif(label_1, '')) AS label, id
    FROM {source}
    WHERE user_id IS NOT NULL AND moment >= $since::TIMESTAMP
    QUALIFY row_number() OVER (PARTITION BY id ORDER BY moment DESC) = 1
)

SELECT
    user_id, kind, moment, amount, pieces, share, label,
    row_number() OVER (PARTITION BY user_id ORDER BY moment, id) AS place,
    min(moment) OVER of_user AS first_time, max(moment) OVER of_user AS last_time,
    count(*) OVER of_user AS events,
    moment = min(moment) OVER of_user AS is_new
FROM cleaned
WINDOW of_user AS (PARTITION BY user_id)
"""


def _model(kind: str, near: list[str]) -> str:
    one, two, three = near
    if kind in ("join", "left join"):
        join = kind.upper() if kind != "join" else "INNER JOIN"
        return f"""
WITH newest AS (SELECT max(moment) AS moment FROM {two}),
sums AS (
    SELECT user_id, kind, sum(amount) AS amount, sum(pieces) AS pieces, count(*) AS events
    FROM {two}
    GROUP BY user_id, kind
),
known AS (SELECT * EXCLUDE (label), upper(label) AS label FROM {one} WHERE moment <= (SELECT moment FROM newest))

SELECT
    known.user_id, known.kind, known.moment,
    known.amount + coalesce(sums.amount, 0) AS amount, sums.pieces, known.amount / nullif(sums.amount, 0) AS share,
    known.label, known.place, known.first_time, newest.moment AS last_time, coalesce(sums.events, 0) AS events,
    known.is_new
FROM known
CROSS JOIN newest
{join} sums ON sums.user_id = known.user_id AND sums.kind = known.kind
WHERE known.user_id IN (SELECT user_id FROM {three} WHERE amount > 0)
"""
    if kind == "aggregate":
        return f"""
SELECT
    user_id, kind, max(moment) AS moment, sum(amount) AS amount, sum(pieces) FILTER (WHERE amount > 0) AS pieces,
    avg(share) AS share, string_agg(DISTINCT label, ', ' ORDER BY label) AS label, min(place) AS place,
    min(first_time) AS first_time, arg_max(last_time, amount) AS last_time, count(*) AS events,
    bool_or(is_new) AS is_new
FROM {one}
WHERE EXISTS (SELECT 1 FROM {two} AS other WHERE other.user_id = {one}.user_id)
GROUP BY ALL
HAVING count(*) > 1
ORDER BY user_id, kind
"""
    if kind == "window":
        return f"""
WITH ranked AS (
    SELECT *, rank() OVER (PARTITION BY kind ORDER BY amount DESC, user_id) AS standing FROM {one}
)

SELECT
    user_id, kind, moment, sum(amount) OVER so_far AS amount, lag(pieces) OVER so_far AS pieces,
    amount / nullif(sum(amount) OVER (PARTITION BY kind), 0) AS share, label, standing AS place, first_time, last_time,
    events, is_new AND standing = 1 AS is_new
FROM ranked
WHERE standing <= 100
WINDOW so_far AS (PARTITION BY user_id ORDER BY moment)
"""
    if kind == "union":
        return f"""
SELECT * FROM {one} WHERE kind = 'a'
UNION ALL BY NAME
SELECT * REPLACE (lower(label) AS label) FROM {two}
UNION ALL BY NAME
SELECT DISTINCT * FROM {three} WHERE amount > 0
"""
    return f"""
WITH wide AS (
    SELECT * FROM (SELECT user_id, kind, amount FROM {one})
    PIVOT (sum(amount) FOR kind IN ('a', 'b', 'c') GROUP BY user_id)
)

SELECT
    wide.user_id, 'pivoted' AS kind, other.moment, coalesce(wide.a, 0) + coalesce(wide.b, 0) AS amount,
    wide.c AS pieces, wide.a / nullif(wide.b, 0) AS share, other.label, other.place, other.first_time,
    other.last_time, other.events,
    other.is_new
FROM wide
LEFT JOIN {two} AS other USING (user_id)
"""


def large_query() -> tuple[str, Schemas]:
    """`item_profiles` and 40 further common table expressions, each of the two before it: more than 300 lines."""
    from recsys_assets.sql import load_sql

    text = "\n".join(
        line for line in load_sql("features", "item_profiles").splitlines() if not line.startswith("--")
    )
    steps = [f"step_0 AS (\n{text}\n)", "step_1 AS (SELECT * FROM step_0 WHERE events > 1)"]
    for number in range(2, 42):
        one, two = f"step_{number - 1}", f"step_{number - 2}"
        steps.append(
            f"step_{number} AS (\n    SELECT {one}.* REPLACE ({one}.revenue + {two}.revenue AS revenue)\n"
            f"    FROM {one}\n    INNER JOIN {two} ON {two}.item_id = {one}.item_id\n)"
        )
    names = ",\n".join(steps)
    text_names = ("order_id", "user_id", "item_id", "behaviour", "store_id", "subset", "_file")
    events = {name: "VARCHAR" for name in text_names}
    events |= {
        name: "DOUBLE" for name in ("quantity", "unit_price", "amount", "discount", "returned_quantity")
    }
    events |= {"event_time": "TIMESTAMP", "day": "DATE", "_line": "BIGINT"}
    events["returns"] = "STRUCT(event_time TIMESTAMP, quantity DOUBLE, subset VARCHAR)[]"
    items = dict.fromkeys(("item_id", "title", "department", "category", "subcategory", "brand"), "VARCHAR")
    items |= {
        "manufacturer": "VARCHAR",
        "package_size": "VARCHAR",
        "filled": "VARCHAR[]",
        "known_from": "TIMESTAMP",
    }
    promotions = dict.fromkeys(("item_id", "store_id", "kind", "display", "mailer", "coupon_id"), "VARCHAR")
    schemas = {"events": events, "items": items, "promotions": {**promotions, "start_day": "TIMESTAMP"}}
    return f"WITH {names}\nSELECT * FROM step_41", schemas


def measured(models: int) -> dict[str, float]:
    """CPU milliseconds of the ways, in this process."""
    import duckdb

    from recsys_lineage import column_lineage

    _ = column_lineage("SELECT a FROM t", {"t": {"a": "INTEGER"}})
    sources, made = warehouse(models)
    schemas: Schemas = dict(sources)
    edges = 0
    began = time.process_time(), time.perf_counter()
    for name, sql, columns in made:
        edges += sum(map(len, column_lineage(sql, schemas).values()))
        schemas[name] = columns
    cpu, wall = time.process_time() - began[0], time.perf_counter() - began[1]
    schemas = dict(sources)
    began_again = time.process_time()
    for name, sql, columns in made:
        _ = column_lineage(sql, schemas)
        schemas[name] = columns
    again = time.process_time() - began_again
    text, inputs = large_query()
    times = []
    for number in range(_REPEATS):
        start = time.process_time()
        _ = column_lineage(f"{text}\n-- {number}", inputs)
        times.append(time.process_time() - start)
    return {
        "models": models, "cpu": cpu, "wall": wall, "again": again, "edges": edges,
        "lines": text.count("\n") + 1, "large": statistics.median(times), "largest": max(times),
        "duckdb": duckdb.__version__,
    }  # fmt: skip


_BACK = {"promotion": "promotions", "purchase": "events", "profile": "user_profiles"}
_FORWARD = {
    "customer": "raw_users", "median": "events", "median raw": "raw_events", "most": "events", "most raw": "raw_events",
}  # fmt: skip
_TRACES = (*_BACK, *_FORWARD)
_WORDS = {
    "promotion": "one of {of:,} promotions back to {lines:,} file lines",
    "purchase": "one of {of:,} purchases back to {lines:,} file lines",
    "profile": "one of {of:,} customers' profiles back to {lines:,} file lines",
    "customer": "one of {of:,} customers of `raw_users` forward through {tables} tables",
    "median": "the median customer forward from `events` through {tables} tables",
    "median raw": "the same from `raw_events`, {tables} tables",
    "most": "the customer with most purchases forward from `events` through {tables} tables",
    "most raw": "the same from `raw_events`, {tables} tables",
}


def measured_trace(which: str) -> dict[str, object]:
    """What a trace of the lake of RECSYS_HOME costs, in this process."""
    from recsys_assets.definitions import lake_resource
    from recsys_assets.settings import load_settings
    from recsys_lineage.rows.back import trace_back
    from recsys_lineage.rows.forward import trace_forward

    lake = lake_resource(load_settings()).lake()
    start = (_BACK | _FORWARD)[which]

    def row_of(table: str, columns: str, query: str) -> dict[str, object]:
        with lake.reading(), lake.connect() as connection:
            found = connection.sql(
                f"SELECT {columns} FROM {lake.relation(lake.version(table))} {query}"
            ).fetchall()
        return dict(zip(columns.split(", "), found[0], strict=True))

    if which in ("promotion", "purchase"):
        row = row_of(start, "_file, _line", "ORDER BY hash(_file, _line) LIMIT 1")
    elif which in ("profile", "customer"):
        row = row_of(start, "user_id", "ORDER BY hash(user_id) LIMIT 1")
    else:
        with lake.reading(), lake.connect() as connection:
            events = lake.relation(lake.version("events"))
            text = f"SELECT user_id FROM {events} GROUP BY user_id ORDER BY count(*) DESC, user_id"
            users = connection.sql(text).fetchall()
        (user,) = users[len(users) // 2 if which.startswith("median") else 0]
        row = {"user_id": int(user) if start == "raw_events" else user}
    began = time.process_time(), time.perf_counter()
    lines = 0
    if which in _BACK:
        trace = trace_back(lake, start, row)
        lines = sum(len(each.lines or ()) for each in trace.files)
    else:
        trace = trace_forward(lake, table=start, row=row)
    cpu, wall = time.process_time() - began[0], time.perf_counter() - began[1]
    return {
        "cpu": cpu, "wall": wall, "lines": lines, "rows": sum(each.count for each in trace.tables),
        "of": lake.version(start).rows, "tables": len(trace.tables), "stopped": len(trace.stopped),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip


def print_traces(repeats: int) -> None:
    """Print the table of traces."""
    print("| trace | rows found | time, the first | time | CPU | peak |\n|---|---|---|---|---|---|")
    for which in _TRACES:
        command = [sys.executable, __file__, "rows", "--trace", which]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        found = [
            json.loads(
                subprocess.run(
                    command, check=True, capture_output=True, text=True, env=environment
                ).stdout.splitlines()[-1]
            )
            for _ in range(repeats)
        ]
        wall, cpu, peak = (statistics.median(each[of] for each in found) for of in ("wall", "cpu", "peak"))
        print(
            f"| {_WORDS[which].format(**found[0])} | {found[0]['rows']:,} | {found[0]['wall']:.2f} s | {wall:.2f} s "
            f"| {cpu:.2f} s | {peak:.0f} MB |",
            flush=True,
        )


def use_pure_sqlglot() -> None:
    """Lets imports of this process prefer a module's Python text to its compiled form."""
    source = (importlib.machinery.SourceFileLoader, importlib.machinery.SOURCE_SUFFIXES)
    compiled = (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES)
    sys.path_hooks.insert(0, importlib.machinery.FileFinder.path_hook(source, compiled))
    sys.path_importer_cache.clear()
    import sqlglot.parser

    assert sqlglot.parser.__file__.endswith(".py"), "sqlglot's text was not found beside its compiled modules"


def in_process(way: str, models: int) -> Mapping[str, float]:
    """What a process of its own measured."""
    command = [sys.executable, __file__, "columns", "--models", str(models), "--measure", way]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["columns", "rows"])
    parser.add_argument("--models", type=int, default=1000, help="how many")
    parser.add_argument("--pure", action="store_true", help="also with sqlglot's pure Python")
    parser.add_argument("--measure", choices=["compiled", "pure"], help="only measure one way; prints JSON")
    parser.add_argument("--repeats", type=int, default=3, help="how often each trace is measured")
    parser.add_argument("--trace", choices=_TRACES, help="only measure one trace; prints JSON")
    arguments = parser.parse_args()
    if arguments.trace:
        print(json.dumps(measured_trace(arguments.trace)))
        return
    if arguments.measure:
        if arguments.measure == "pure":
            use_pure_sqlglot()
        print(json.dumps(measured(arguments.models)))
        return
    versions = ", ".join(f"{name} {version(name)}" for name in ("sqlglot", "duckdb"))
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; Python "
        f"{platform.python_version()}, {versions}\n"
    )
    if arguments.what == "rows":
        print_traces(arguments.repeats)
        return
    print("| what | compiled sqlglot |" + (" pure Python |" if arguments.pure else ""))
    print("|---|---|" + ("---|" if arguments.pure else ""))
    ways = ("compiled", "pure") if arguments.pure else ("compiled",)
    found = [in_process(way, arguments.models) for way in ways]
    first = found[0]
    rows = {
        f"{first['models']:,} chained models, {first['edges']:,} edges": "{cpu:.1f} s CPU, {wall:.1f} s",
        "all of them again, unchanged": "{again:.2f} s CPU",
        f"a query of {first['lines']} lines, median of {_REPEATS}": "{large_ms:.0f} ms CPU",
    }
    for what, cell in rows.items():
        cells = [cell.format(**each, large_ms=each["large"] * 1e3) for each in found]
        print(f"| {what} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
