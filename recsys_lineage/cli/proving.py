"""Proving: the assets whose lineage is tested, and the printed results."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from recsys_lineage.errors import LineageError, WrongQuestion, meant_or_known
from recsys_lineage.records.records import Records

if TYPE_CHECKING:
    from recsys_lineage.assets.asset_code import AssetCode
    from recsys_lineage.cli.place import Place
    from recsys_lineage.lake.lake import Lake
    from recsys_lineage.proof.asset_proof import AssetProof

_SOON = 10.0
"""Longest run of an asset in seconds for which a sample runs it once more to see which files it opens, and which code
runs."""


@dataclass(frozen=True)
class Extent:
    """Extent of the tests of an asset's lineage.

    Attributes:
        rows: the most rows taken of each table that it reads.
        sample: the number of output rows whose traces are tested.
        rounds: the number of data sets on which every column is changed: the rows taken, then copies with shuffled
            values.
        reads: whether it is run once more as a whole; None for only those assets that took ten seconds at most.
        seconds: the time limit for the columns and traces of each asset; None for no limit.
    """

    rows: int = 100
    sample: int = 3
    rounds: int = 1
    reads: bool | None = None
    seconds: float | None = 60.0

    def __str__(self) -> str:
        mixed = ", and on such of mixed values" if self.rounds > 1 else ""
        columns = f"every column changed on {self.rows} rows of each table{mixed}"
        most = "" if self.seconds is None else f", for {self.seconds:.0f} s of each asset"
        return f"{columns}{most}; traces of {self.sample} rows of each result"


NIGHT = Extent(rows=300, sample=10, rounds=2, reads=True, seconds=None)


@dataclass(frozen=True)
class Proofs:
    """Results of testing the lineage of some assets.

    Attributes:
        proofs: asset that could be tried → its proof.
        not_tried: asset → why it could not be tried.
        extent: the extent of the tests.
        not_run: asset that was not run once more, because it takes too long → the seconds it took.
    """

    proofs: Sequence[AssetProof]
    not_tried: Mapping[str, str]
    extent: Extent = NIGHT
    not_run: Mapping[str, float] = field(default_factory=dict)

    @property
    def found(self) -> bool:
        """Whether everything was tried, and nothing was refuted."""
        whole = all(proof.true and not proof.not_tried and not proof.given_up for proof in self.proofs)
        return whole and not self.not_tried

    def to_json(self) -> dict[str, Any]:
        """A JSON object: each proof by its asset, and the assets that were not tried."""
        return {
            "true": self.found,
            "proofs": {proof.asset: proof.to_json() for proof in self.proofs},
            "not_tried": dict(self.not_tried),
            "extent": asdict(self.extent),
            "not_run": dict(self.not_run),
        }

    def report(self) -> str:
        """An overview table of several assets, everything refuted or not tried, and the extent of the tests."""
        from recsys_lineage.proof.verdicts import verdicts

        several = len(self.proofs) > 1
        lines = [verdicts(self.proofs), ""] if several else []
        for proof in self.proofs:
            if not several or not proof.true or proof.not_tried or proof.given_up:
                lines += [f"{proof.asset} {proof.verdict}", proof.report(), ""]
        lines += [f"{asset} not tried: {why}" for asset, why in self.not_tried.items()]
        lines += [f"Tried: {self.extent}."] if self.proofs else []
        over = {proof.asset: left for proof in self.proofs if (left := _left(proof))}
        if several and over:
            untried = ", ".join(f"{asset} ({left})" for asset, left in over.items())
            lines.append(
                f"The time limit was reached before all was tried: {untried}. --seconds raises it, --all removes it."
            )
        if self.not_run:
            longest = ", ".join(f"{asset} ({seconds:.0f} s)" for asset, seconds in self.not_run.items())
            lines.append(
                f"Not run once more to see what they open and which code runs, because they take long: {longest}. "
                "--reads runs them."
            )
        return "\n".join(lines)


def _left(proof: AssetProof) -> str:
    """Progress of an asset's proof within the time limit, as text; empty where it was completed."""
    columns, rows, done = proof.columns, proof.rows, []
    if columns and columns.over_after:
        done.append(f"{len(columns.inputs) - len(columns.untested)} of {len(columns.inputs)} columns changed")
    if rows and rows.over_after:
        done.append(f"{len(rows.trials)} of {len(rows.trials) + rows.untried} rows traced")
    return ", ".join(done)


def proofs_of(
    place: Place,
    targets: Sequence[str],
    *,
    extent: Extent,
    seed: int,
    other_code: bool = False,
    tell: Callable[[str], None] = lambda _line: None,
) -> Proofs:
    """Test the lineage of some assets.

    Args:
        place: their tables and their code.
        targets: `ASSET` or `ASSET@VERSION`; all assets whose code is known when there are none.
        extent: the extent of the tests.
        seed: the seed of random choices.
        other_code: continue if today's code differs from the original code.
        tell: called with a line for each asset after its test; all assets of a shop take minutes.

    Raises:
        WrongQuestion: a target is no asset.
    """
    from recsys_lineage.assets.reproduction import OtherCode
    from recsys_lineage.proof.asset_proof import verify

    proofs: list[AssetProof] = []
    not_tried: dict[str, str] = {}
    not_run: dict[str, float] = {}
    codes = _codes(place, targets)
    for nth, (target, lake, code, version) in enumerate(codes, 1):
        started, came = time.monotonic(), "not tried"
        try:
            if isinstance(code, str):
                not_tried[target] = code
            else:
                took = Records(lake).get(code.name, version).seconds
                reads = took <= _SOON if extent.reads is None else extent.reads
                if not reads and extent.reads is None:
                    not_run[target] = took
                proof = verify(
                    code, lake, version,
                    rows=extent.rows, sample=extent.sample, rounds=extent.rounds, reads=reads, seed=seed,
                    seconds=extent.seconds, other_code=other_code,
                )  # fmt: skip
                proofs.append(proof)
                came = proof.verdict
        except WrongQuestion:
            raise
        except OtherCode as error:
            not_tried[target] = f"{error}, here by --anyway"
        except LineageError as error:
            not_tried[target] = str(error)
        tell(f"{nth} of {len(codes)}: {target} {came}, {time.monotonic() - started:.1f} s")
    return Proofs(proofs, not_tried, extent, not_run)


def _codes(place: Place, targets: Sequence[str]) -> list[tuple[str, Lake, AssetCode | str, int | None]]:
    """Lake, version and code of each target, or the reason why there is no code."""
    known = place.codes() if place.codes is not None else {}
    homes = {table: lake for lake in reversed(place.lakes) for table in lake.tables()}
    found: list[tuple[str, Lake, AssetCode | str, int | None]] = []
    # what reads nothing has no lineage to prove, and may do what is not to be done again, as deleting old versions
    there = [
        name
        for name, code in known.items()
        if name in homes and (code.upstream or code.looks_at or code.opens)
    ]
    for target in targets or there or _sql_assets(homes):
        asset, at, number = target.partition("@")
        if asset not in homes or (at and not number.isdecimal()):
            raise WrongQuestion(
                f"{target!r} names no version of an asset.",
                expected="ASSET or ASSET@VERSION",
                found=target or "nothing",
                where=", ".join(lake.uri for lake in place.lakes),
                advice=meant_or_known(asset, homes),
            )
        version = int(number) if at else None
        code = known.get(asset) or _recorded_code(homes[asset], asset, version)
        found.append((target, homes[asset], code, version))
    return found


def _sql_assets(homes: Mapping[str, Lake]) -> list[str]:
    """The tables whose latest version was made by a SQL text."""
    made = {table: lake.commit(table)["record"] for table, lake in homes.items()}
    return [table for table, record in made.items() if record and record["code"]["kind"] == "sql"]


def _recorded_code(lake: Lake, asset: str, version: int | None) -> AssetCode | str:
    """The code of a SQL asset from its record, or the reason why there is none."""
    from recsys_lineage.assets.sql_code import sql_code
    from recsys_lineage.sql.sql_text import SqlText

    record = Records(lake).get(asset, version)
    if record.code.kind != "sql":
        return f"the code of {asset} is Python, which only the project that has it can run"
    text = SqlText(record.code.text, record.code.origin)
    return sql_code(text, name=asset, parameters=record.parameters)
