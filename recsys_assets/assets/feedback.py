"""`exposures` and `feedback`: what the service showed and what customers did, with file and line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from recsys_assets.assets.looks import look
from recsys_assets.service.feedback_log import Stream, closed_files
from recsys_lineage.assets.asset_code import AssetCode, Output, Request
from recsys_lineage.assets.checks import OUTPUT, TableCheck, not_null, unique
from recsys_lineage.assets.code_version import by_module, code_version, reachable
from recsys_lineage.assets.inputs import Inputs
from recsys_lineage.orchestration.lineage_asset import lineage_asset
from recsys_lineage.records.check_outcome import CheckOutcome
from recsys_lineage.records.materialization import Code

ITEMS = "items"
MOST_SHOWN = 5
Line = Mapping[str, Any]
Rows = Callable[[Line], list[dict[str, Any]]]

_TRACE = {
    "_file": ("the file that holds the line", pl.String),
    "_line": ("its number there", pl.Int64),
}
EXPOSURES: Mapping[str, tuple[str, Any]] = {
    "day": ("the day of the answer (UTC)", pl.Date),
    "time": ("when the answer was given (UTC)", pl.Datetime("us")),
    "query_id": ("the answer", pl.String),
    "user_id": ("the customer; NULL for a visitor without a name [pii, person]", pl.String),
    "client_id": ("the browser or device, where it was told [pii]", pl.String),
    "model_table": (
        "the table of the model that answered; in an interleaved list, that the item is of",
        pl.String,
    ),
    "model_version": ("the version of that table", pl.Int64),
    "record": ("id of the record of that version", pl.String),
    "arm": ("the arm that decided the answer; control without an experiment", pl.String),
    "experiments": ("the arm of each experiment that ran, as JSON", pl.String),
    "cold": ("whether nothing was known, so that the list was what is popular", pl.Boolean),
    "item_id": ("the product that was shown", pl.String),
    "position": ("its place in the list, from 1", pl.Int64),
    "propensity": ("probability of showing it there, given what stood above", pl.Float64),
    "credit": ("in an interleaved list, the arm that a click counts for; NULL elsewhere", pl.String),
    **_TRACE,
}
FEEDBACK: Mapping[str, tuple[str, Any]] = {
    "day": ("the day of the event (UTC)", pl.Date),
    "time": ("when it happened (UTC)", pl.Datetime("us")),
    "event_id": ("the event; one that was sent twice counts once", pl.String),
    "action": ("exposure, view, cart, purchase or rating", pl.String),
    "user_id": ("the customer; NULL for a visitor without a name [pii, person]", pl.String),
    "client_id": ("the browser or device, where it was told [pii]", pl.String),
    "item_id": ("the product", pl.String),
    "query_id": ("the answer in which it was shown, where it was told", pl.String),
    "position": ("its place in that answer, where it was told", pl.Int64),
    "propensity": ("probability of that place, where it was told", pl.Float64),
    "model_version": ("version of the model of that answer, where it was told", pl.Int64),
    "arm": ("arm of that answer, where it was told", pl.String),
    "value": ("of a rating: how much it was liked", pl.Float64),
    **_TRACE,
}
"""Columns of the two tables: what each holds, and its type."""


@dataclass(frozen=True)
class _Read:
    """What the closed files of a stream hold."""

    rows: list[dict[str, Any]]
    files: int
    lines: int
    damaged: list[str]


def exposures(folder: Path, inputs: Inputs, request: Request) -> Output:
    """What the service showed: one row a product of an answer, with file and line; empty while nothing was shown."""
    read = _read(folder, "exposures", inputs, _shown)
    return _output(read, EXPOSURES, {})


def feedback(folder: Path, inputs: Inputs, request: Request) -> Output:
    """What customers did, as the service took it: one row an event, with file and line; empty where none is."""
    read = _read(folder, "events", inputs, _done)
    once = {row["event_id"]: row for row in reversed(read.rows)}  # the first of copies
    rows = list(reversed(once.values()))
    duplicates = len(read.rows) - len(rows)
    return _output(_Read(rows, read.files, read.lines, read.damaged), FEEDBACK, {"duplicates": duplicates})


def observed(folder: Path, stream: Stream) -> str:
    """A text that changes when the closed files of a stream do."""
    seen = [(path.name, path.stat().st_size) for path in closed_files(folder, stream)]
    return hashlib.sha256(repr(seen).encode()).hexdigest()


def _read(folder: Path, stream: Stream, inputs: Inputs, rows_of: Rows) -> _Read:
    rows: list[dict[str, Any]] = []
    damaged: list[str] = []
    files = closed_files(folder, stream)
    count = 0
    for path in files:
        with inputs.open_file(path) as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    continue  # torn by a kill, it belongs to no answer that anybody heard
                try:
                    found = rows_of(json.loads(line))
                except (ValueError, KeyError, TypeError, AttributeError):
                    damaged.append(f"{path.name}:{number}")
                    continue
                count += 1
                rows += [{**row, "_file": path.absolute().as_posix(), "_line": number} for row in found]
    return _Read(rows, len(files), count, damaged)


def _shown(line: Line) -> list[dict[str, Any]]:
    moment = _moment(line["time"])
    common = {
        "day": moment.date(),
        "time": moment,
        "query_id": line["query_id"],
        "user_id": line["user"],
        "client_id": line["client_id"],
        "model_table": line["table"],
        "model_version": line["model_version"],
        "record": line["record"],
        "arm": line["arm"],
        "experiments": json.dumps(line["experiments"], sort_keys=True),
        "cold": line["cold"],
    }
    items = zip(line["object_ids"], line["propensities"], strict=True)
    rows = [
        {**common, "item_id": item, "position": place, "propensity": propensity, "credit": None}
        for place, (item, propensity) in enumerate(items, 1)
    ]
    if "models" not in line:
        return rows
    return [
        {**row, **_model(line["models"][source]), "credit": credit}
        for row, source, credit in zip(rows, line["sources"], line["credits"], strict=True)
    ]


def _model(model: Line) -> dict[str, Any]:
    """The model that an item of an interleaved list comes from."""
    return {
        "model_table": model["table"],
        "model_version": model["model_version"],
        "record": model["record"],
    }


def _done(line: Line) -> list[dict[str, Any]]:
    moment = _moment(line["time"])
    known = ("client_id", "query_id", "position", "propensity", "model_version", "arm", "value")
    return [
        {
            "day": moment.date(),
            "time": moment,
            "event_id": line["event_id"],
            "action": line["action_name"],
            "user_id": line.get("user"),
            "item_id": line["object_id"],
            **{name: line.get(name) for name in known},
        }
    ]


def _moment(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1e6, timezone.utc).replace(tzinfo=None)


def _output(read: _Read, columns: Mapping[str, tuple[str, Any]], more: Mapping[str, int]) -> Output:
    frame = pl.DataFrame(read.rows, schema={name: kind for name, (_, kind) in columns.items()})
    warnings = []
    if read.damaged:
        shown = ", ".join(read.damaged[:MOST_SHOWN])
        warnings.append(f"{len(read.damaged)} lines of the service's files cannot be read: {shown}")
    return Output(
        frame,
        statistics={"files": read.files, "lines": read.lines, "damaged": len(read.damaged), **more},
        warnings=warnings,
    )


def items_are_known(inputs: Inputs) -> CheckOutcome:
    """How many rows name a product that the shop's table of products does not have."""
    name = "items_are_known"
    if not inputs.exists(ITEMS):
        return CheckOutcome(name, True, "there is no table of products yet")
    found = inputs.query(
        f"SELECT count(*) AS unknown FROM {OUTPUT} AS o ANTI JOIN {ITEMS} AS i ON o.item_id = i.item_id"
    )
    unknown = int(found["unknown"][0])
    return CheckOutcome(
        name, not unknown, f"{unknown} rows name unknown products", counts={"unknown": unknown}
    )


ITEMS_ARE_KNOWN = TableCheck(
    "items_are_known", "the shop's table of products has what was shown or chosen", function=items_are_known
)
_PERSONAL = {
    "exposures": "what was shown to whom is what experiments are judged by",
    "feedback": "what customers did with what was shown is what experiments are judged by",
}


def assets(folder: Path) -> list[dg.AssetsDefinition]:
    """`exposures` and `feedback` of a home's folder of feedback."""
    return [
        _asset("exposures", folder, exposures, "exposures", EXPOSURES, ("query_id", "position")),
        _asset("feedback", folder, feedback, "events", FEEDBACK, ("event_id",)),
    ]


def _asset(
    name: str,
    folder: Path,
    function: Callable[[Path, Inputs, Request], Output],
    stream: Stream,
    columns: Mapping[str, tuple[str, Any]],
    key: tuple[str, ...],
) -> dg.AssetsDefinition:
    compute = partial(function, folder)
    code = AssetCode(
        name=name,
        code=Code("python", f"{stream}-*.jsonl", __file__),
        code_version=code_version(compute, {}),
        covers=lambda: by_module(reachable(compute)),
        upstream=(ITEMS,),
        compute=compute,
        checks=(unique(*key), not_null("day", "item_id", "_file", "_line"), ITEMS_ARE_KNOWN),
        column_descriptions={column: text for column, (text, _) in columns.items()},
        observe=partial(observed, folder, stream),
        columns_from={column: {} for column in columns},  # of files alone
    )
    return lineage_asset(
        code,
        look(
            "feedback",
            kinds={"python", "deltalake"},
            description=function.__doc__,
            personal=_PERSONAL[name],
        ),
    )
