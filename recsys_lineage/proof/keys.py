"""verify_keys: runs a Python asset's code on the rows that its keys select, and on all others.

Sufficient: with only these rows the output row is the same. Needed: without them it is different or missing. A key
claims only that rows belong to a row, so an unneeded one refutes nothing; it is reported.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import polars as pl

from recsys_lineage.assets.asset_code import AssetCode
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.proof.experiment import RunFailed
from recsys_lineage.proof.rerun import Rerun, versions_read
from recsys_lineage.proof.row_proof import RowProof, RowTrial
from recsys_lineage.proof.time_left import TimeLeft
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.row_keys import Pairs
from recsys_lineage.rows.lake_rows import STARTING_ROWS, by_keys, other_rows

_CLOSE = 1e-4
"""Tolerance, relative and absolute, for equal numbers: sums over arrays of other lengths round differently."""


def verify_keys(
    asset: AssetCode,
    record: Materialization,
    lake: Lake,
    *,
    sample: int = 3,
    seed: int = 0,
    left: TimeLeft | None = None,
) -> RowProof | None:
    """Test the keys of a Python asset on some rows of one of its versions.

    Tables without keys, such as a model's, are left whole.

    Args:
        asset: an asset made by `frame_code`, with the version's parameters.
        record: the version's record.
        lake: the lake of the tables.
        sample: the number of output rows tested; the code runs twice for each.
        seed: the seed of their selection.
        left: the time limit, checked before each row.

    Returns:
        The proof; None where its keys select no rows of a table that it reads.
    """
    left = left or TimeLeft(None)
    version = lake.version(asset.name, record.version)
    versions = {name: lake.version(name, number) for name, number in versions_read(asset, record).items()}
    keys = {
        name: pairs
        for name, each in versions.items()
        if (pairs := record.row_keys.pairs(name, version.columns, each.columns))
    }
    if not keys:
        return None
    run = Rerun(asset, lake, {name: each.version for name, each in versions.items()})
    with lake.reading(), lake.connect() as connection:
        relations = {name: lake.relation(versions[name]) for name in keys}
        drawn = _sample(lake, version, connection, sample, seed)
        trials: list[RowTrial] = []
        for number, row in drawn:
            if left.is_over:
                break
            trials.append(_trial(number, row, run, keys, relations, connection))
    untried = len(drawn) - len(trials)
    return RowProof(
        asset.name, version.rows, tuple(trials), left.spent, untried, left.limit if untried else None
    )


def _sample(
    lake: Lake, version: TableVersion, connection: duckdb.DuckDBPyConnection, rows: int, seed: int
) -> list[tuple[int, pl.DataFrame]]:
    """Some rows of a table, each with its row number from 0."""
    numbered = f"SELECT row_number() OVER () - 1 AS number, * FROM {lake.relation(version)}"
    drawn = connection.sql(
        f"FROM (FROM ({numbered}) USING SAMPLE reservoir({int(rows)} ROWS) REPEATABLE ({int(seed)})) ORDER BY number"
    ).pl()
    return [(number, drawn[place : place + 1].drop("number")) for place, number in enumerate(drawn["number"])]


def _trial(
    number: int,
    row: pl.DataFrame,
    run: Rerun,
    keys: Mapping[str, Sequence[Pairs]],
    relations: Mapping[str, str],
    connection: duckdb.DuckDBPyConnection,
) -> RowTrial:
    connection.register(STARTING_ROWS, row)
    claimed = {name: pl.DataFrame(by_keys(connection, relations[name], keys[name])) for name in keys}
    others = {name: pl.DataFrame(other_rows(connection, relations[name], keys[name])) for name in keys}
    traced = {name: frame.height for name, frame in claimed.items()}
    of = {name: traced[name] + frame.height for name, frame in others.items()}
    if not any(traced.values()):
        detail = "no row that it was made of has its keys"
        return RowTrial(number, "refused", traced, of, {}, detail=detail)
    try:
        sufficient = _has(run(claimed), row)
    except RunFailed as error:
        return RowTrial(
            number, "refused", traced, of, {}, detail=f"the code stops on these rows alone: {error}"
        )
    if not sufficient:
        detail = "on the rows that its keys tell alone it does not come out"
        return RowTrial(number, "too few", traced, of, {}, detail=detail)
    try:
        needed = not _has(run(others), row)
    except RunFailed:
        needed = True
    detail = "" if needed else "it comes out without them too"
    return RowTrial(number, "proved", traced, of, {}, detail=detail)


def _has(table: pl.DataFrame, row: pl.DataFrame) -> bool:
    """Whether a table contains a row; floating point numbers may differ slightly."""
    if not {*row.columns} <= {*table.columns}:
        return False
    wanted = row.row(0, named=True)
    exact = [name for name in row.columns if not isinstance(wanted[name], float | list | dict | tuple)]
    same = [pl.col(name).eq_missing(pl.lit(wanted[name])) for name in exact]
    return any(
        all(_close(found[name], wanted[name]) for name in row.columns)
        for found in table.filter(same).iter_rows(named=True)
    )


def _close(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_CLOSE, abs_tol=_CLOSE) or (one != one and other != other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_close, one, other))
    return one == other
