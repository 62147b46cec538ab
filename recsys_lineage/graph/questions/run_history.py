"""Runs: their states, times and the versions that they made."""

from __future__ import annotations

from typing import Any

import polars as pl

from recsys_lineage.graph.lineage_graph import LineageGraph
from recsys_lineage.graph.questions.answers import Made, RunOf, Runs
from recsys_lineage.graph.questions.described import Described
from recsys_lineage.graph.questions.target import UnknownTarget, find_target


def runs(graph: LineageGraph, target: str | None = None, last: int | None = None) -> Runs:
    """The runs in the records, the newest first.

    Args:
        graph: the graph.
        target: only runs of this asset, or the run that made this version; `run:ID` for one run; all when None.
        last: the most runs returned, newest first; all when None.

    Raises:
        UnknownTarget: no record names the target.
    """
    run = pl.when(pl.col("kind") == "run").then("id").otherwise(pl.coalesce("run_id", "id"))
    every = graph.records.with_row_index("row").with_columns(run.alias("group"))
    every = every.filter(pl.col("kind") != "decision")  # a person's, in which nothing ran
    chosen = every
    if target is not None:
        found = find_target(graph, target)
        if found.kind == "file" or found.column or found.partition:
            raise UnknownTarget(
                f"No run makes {target!r} as a whole.",
                expected="ASSET, ASSET@VERSION or run:ID",
                found=target,
                where=", ".join(graph.names.lakes),
                advice="leave the column or partition out; for a file, `downstream` lists its readers",
            )
        if found.kind == "asset":
            chosen = every.filter(pl.col("asset") == found.table)
        elif found.kind == "version":
            chosen = every.filter(pl.col("row").is_in([graph.views.writer[node] for node in found.nodes]))
        else:
            chosen = every.filter(pl.col("run_id") == found.text.partition(":")[2])
    order = chosen.group_by("group").agg(pl.col("started").min()).sort("started", "group", descending=True)
    groups = order["group"].to_list()[:last]
    rows = (
        every.filter(pl.col("group").is_in(groups)).sort("ended", "row").partition_by("group", as_dict=True)
    )
    words = Described(graph)
    return Runs(target, tuple(_run(graph, words, rows[(group,)].to_dicts()) for group in groups))


def _run(graph: LineageGraph, words: Described, rows: list[dict[str, Any]]) -> RunOf:
    runs = [row for row in rows if row["kind"] == "run"]
    made = [row for row in rows if row["kind"] != "run"]
    first = (runs or made)[0]
    failed = [row["status"] for row in made if row["status"] in ("failed", "canceled")]
    return RunOf(
        run=first["run_id"] if not runs else first["id"],
        state=runs[0]["status"] if runs else (failed or ["success"])[0],
        started=min(row["started"] for row in rows),
        ended=max(row["ended"] for row in rows),
        job=first["job"],
        code_location=first["code_location"],
        made=tuple(_made(graph, words, row) for row in made),
    )


def _made(graph: LineageGraph, words: Described, row: dict[str, Any]) -> Made:
    node = graph.node_of_record(row["row"])
    if node is None and row["kept"] is not None and row["version"] is not None:
        node = graph.version(row["asset"], row["version"])
    return Made(
        asset=words.asset(row["asset"]),
        status=row["status"],
        version=None if node is None else words.id(node),
        record=row["id"],
        started=row["started"],
        ended=row["ended"],
        rows=row["rows"],
        failure=row["failure"],
    )
