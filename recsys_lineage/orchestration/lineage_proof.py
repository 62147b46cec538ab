"""`lineage_proof`: tests the lineage of every SQL asset on samples of the real data, as an asset."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg
import polars as pl

from recsys_lineage.assets.asset_code import AssetCode, Output
from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.code.code_version import code_version
from recsys_lineage.assets.code.covered_code import CoveredCode
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import LineageError
from recsys_lineage.orchestration.defined_assets import asset_codes
from recsys_lineage.orchestration.lineage_asset import AssetLook, lineage_asset
from recsys_lineage.progress import Progress, tell
from recsys_lineage.proof.asset_proof import AssetProof, verify
from recsys_lineage.proof.time_left import TimeLeft
from recsys_lineage.records.materialization import Code

NAME = "lineage_proof"
COLUMNS = {
    "asset": "the asset whose lineage was tested",
    "version": "version of its table, whose inputs were sampled",
    "edges": "pairs of an input and an output column between which an edge is claimed",
    "possible": "pairs of columns that there are",
    "shown": "direct edges shown: a change was seen to arrive",
    "not_shown": "direct edges not shown, with their columns",
    "refuted": "columns that changed without an edge, and how; empty if the lineage is sound",
    "rows_tried": "output rows whose traces were tested",
    "rows_proved": "output rows that the traced rows alone give again, and that do not occur without them",
    "rows_refuted": "those that did not",
    "uncovered": "code that ran for the asset and that its code version does not cover, with its places",
    "not_tried": "what could not be tried, and why",
}
CHECK = TableCheck(
    "nothing_is_refuted",
    "no column changed without an edge, traced rows are enough to make each row again, and the code version covers the "
    "code that ran",
    "SELECT asset FROM output WHERE len(refuted) > 0 OR rows_refuted > 0 OR len(uncovered) > 0",
)


def lineage_proof(
    assets: Iterable[dg.AssetsDefinition],
    *,
    rows: int = 200,
    sample: int = 5,
    seconds: float | None = 90.0,
    look: AssetLook | None = None,
) -> dg.AssetsDefinition:
    """An asset, made on request, with the results of testing the lineage of every SQL asset.

    Its check `nothing_is_refuted` shows the verdict on Dagster's pages. Each column is changed on the unmodified
    sampled rows; `verify` of one asset also uses rows with shuffled values, which takes twice as long.

    Args:
        assets: the SQL assets to test; other assets are left out.
        rows: the most rows taken of each table that an asset reads.
        sample: the number of output rows whose traces are tested.
        seconds: the time limit for all assets together. Each may use an equal share of the remaining time, so fast
            assets leave more to others, and the last ones get at least half of an equal share. The rest is in
            `not_tried`. No limit when None.
        look: group, owners and the like.
    """
    codes = {name: code for name, code in asset_codes(assets).items() if code.code.kind == "sql"}
    look = look or AssetLook()
    versions = {name: code.code_version for name, code in codes.items()}
    proof = AssetCode(
        name=NAME,
        code=Code("python", inspect.getsource(proved), __file__),
        code_version=code_version(
            proved, {"rows": rows, "sample": sample, "seconds": seconds, "codes": versions}
        ),
        covers=CoveredCode(proved),
        upstream=(),
        looks_at=tuple(sorted(codes)),
        compute=lambda inputs, _request: proved(inputs, codes, rows, sample, seconds),
        parameters={"rows": rows, "sample": sample, "seconds": seconds},
        checks=(CHECK,),
        column_descriptions=COLUMNS,
        columns_from={column: {} for column in COLUMNS},  # figures about code, without input columns
        on_request=True,
    )
    description = look.description or inspect.getdoc(proved)
    return lineage_asset(proof, replace(look, kinds=look.kinds | {"deltalake"}, description=description))


def proved(
    inputs: Inputs, codes: Mapping[str, AssetCode], rows: int, sample: int, seconds: float | None
) -> Output:
    """Result of testing the lineage of every SQL asset on samples of its inputs, within a time limit.

    Columns: the values of one input column are changed and the asset's SQL runs again; only columns with an edge may
    change. Rows: the SQL on only the traced rows gives the row again, and without them it does not.
    """
    found: list[dict[str, Any]] = []
    made = [name for name in codes if inputs.exists(name)]
    left = TimeLeft(seconds)
    for number, name in enumerate(made):
        with inputs.reading_for("check"):
            version = inputs.version(name, (), ())
        share = _share(left, len(made) - number, of=len(made))
        try:
            proof = verify(
                codes[name], inputs._lake,
                rows=rows, sample=sample, rounds=1, reads=False, seconds=share, superfluous=False,
            )  # fmt: skip
        except LineageError as error:
            proof = AssetProof(name, version.version, None, None, None, (str(error),))
        with inputs.reading_for("check"):
            inputs.note(proof.sampled)
        row = _row(proof)
        found.append(row)
        tell(Progress(NAME, "step", _verdict_line(row, number + 1, len(made)), (number + 1) / len(made)))
    wrong = sum(bool(row["refuted"] or row["rows_refuted"] or row["uncovered"]) for row in found)
    return Output(
        pl.DataFrame(found, schema=_SCHEMA, orient="row"),
        statistics={"assets": len(found), "refuted": wrong},
    )


def _share(left: TimeLeft, assets: int, *, of: int) -> float | None:
    """Seconds for the next of the remaining assets: an equal share of the remaining time, but at least half of an equal
    share of all."""
    seconds = left.part(1 / assets).seconds
    return None if seconds is None or left.limit is None else max(seconds, left.limit / of / 2)


_SCHEMA: Mapping[str, Any] = {
    "asset": pl.String, "version": pl.Int64, "edges": pl.Int64, "possible": pl.Int64, "shown": pl.Int64,
    "not_shown": pl.List(pl.String), "refuted": pl.List(pl.String), "rows_tried": pl.Int64, "rows_proved": pl.Int64,
    "rows_refuted": pl.Int64, "uncovered": pl.List(pl.String), "not_tried": pl.List(pl.String),
}  # fmt: skip


def _verdict_line(row: Mapping[str, Any], number: int, of: int) -> str:
    """The verdict on one asset, in one line."""
    edges = f"{row['edges'] or 0} edges, {row['shown'] or 0} shown, {len(row['not_shown'])} not shown"
    refuted = len(row["refuted"]) + (row["rows_refuted"] or 0) + len(row["uncovered"])
    rows = f"{row['rows_proved'] or 0} of {row['rows_tried'] or 0} rows proved"
    not_tried = ", not all tried" if row["not_tried"] else ""
    return f"{number} of {of}, {row['asset']}: {edges}, {refuted} refuted, {rows}{not_tried}"


def _row(proof: AssetProof) -> dict[str, Any]:
    columns, rows = proof.columns, proof.rows

    def texts(limit: Sequence[object]) -> list[str]:
        return [str(each) for each in limit]

    return {
        "asset": proof.asset,
        "version": proof.version,
        "edges": columns and columns.pairs,
        "possible": columns and columns.possible,
        "shown": columns and len(columns.shown),
        "not_shown": texts(columns.not_shown) if columns else [],
        "refuted": texts(columns.refuted) if columns else [],
        "rows_tried": rows and len(rows.trials),
        "rows_proved": rows and sum(trial.verdict == "proved" for trial in rows.trials),
        "rows_refuted": rows and len(rows.refuted),
        "uncovered": texts(proof.ran.uncovered) if proof.ran else [],
        "not_tried": [
            *(text.splitlines()[0] for text in proof.not_tried),  # behind it may stand a value that was found
            *(each.limit_reached for each in (columns, rows) if each and each.limit_reached),
            *([f"{proof.given_up} traces were given up for time or memory"] if proof.given_up else []),
        ],
    }
