"""Nightly retraining: warm-started from the previous model if that is as good, in full otherwise."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recsys_lineage.assets.asset_code import Request
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.lake.blobs import files_of

if TYPE_CHECKING:
    from recsys_models import Interactions, Recommender

FULL, REFIT = "full fit", "refit"
FACTS = "candidate.json"
_CHOSEN = "chosen_by_validation/"


@dataclass(frozen=True)
class Fitted:
    """A model fitted on train, with the parameters that validation chose.

    `ndcg` is its NDCG@20 on validation, `refits` the number of nights in a row in which it was only refitted.
    """

    model: Recommender
    ndcg: float
    how: str
    refits: int


@dataclass(frozen=True)
class PreviousFit:
    """A candidate's previous version: the model that a refit starts from, and its metrics."""

    model: Recommender
    ndcg: float
    refits: int
    side_information: str


def stored_files(
    final: Recommender, fitted: Fitted, *, side_information: str, keep_start: bool
) -> dict[str, bytes]:
    """Files of a candidate's table: the final model, and the state from which the next night starts.

    Args:
        final: fitted on train and validation.
        fitted: fitted on train alone, so that validation can judge a model started from it.
        side_information: `SideInformation.names` of what the model was fitted with.
        keep_start: whether refits of the family start from an earlier model.
    """
    files = dict(final.to_files())
    facts = {
        "validation ndcg@20": fitted.ndcg,
        "refits": fitted.refits,
        "side_information": side_information,
    }
    files[FACTS] = json.dumps(facts, indent=1, sort_keys=True).encode()
    if keep_start:
        files |= {f"{_CHOSEN}{name}": content for name, content in fitted.model.to_files().items()}
    return files


def model_before(
    inputs: Inputs, request: Request, family: type[Recommender], *, full_fit_every: int
) -> PreviousFit | None:
    """The model that a refit starts from; None if this run fits in full.

    A run starts from its asset's previous version if the run is allowed to (`CONTINUE_TAG`), code and settings are
    unchanged, and no full fit is due.

    Args:
        full_fit_every: number of nights after which a full fit is due, so that errors do not accumulate.
    """
    before = inputs.previous() if request.continues else None
    if before is None or before.record.code_version != request.code_version:
        return None
    if before.statistics.get("refits", 0) + 1 >= full_fit_every:
        return None
    files = files_of(before.arrow())
    facts = json.loads(files[FACTS])
    model = family.from_files(
        {name.removeprefix(_CHOSEN): files[name] for name in files if name.startswith(_CHOSEN)}
    )
    return PreviousFit(model, facts["validation ndcg@20"], facts["refits"], facts["side_information"])


def refit_or_fit(
    before: PreviousFit, refit: Callable[[], Fitted], full: Callable[[], Fitted], *, tolerance: float
) -> Fitted:
    """The refit; if it is worse than the previous model, the better of the refit and a full fit.

    Args:
        tolerance: largest relative loss of validation NDCG@20.
    """
    again = refit()
    if again.ndcg >= before.ndcg * (1 - tolerance):
        return again
    anew = full()
    fell = f"dropped from {before.ndcg:.4f} to {again.ndcg:.4f}"
    if anew.ndcg > again.ndcg:
        return Fitted(anew.model, anew.ndcg, f"{FULL} after refit {fell}", 0)
    return Fitted(
        again.model, again.ndcg, f"{REFIT}, which {fell}: a full fit reached {anew.ndcg:.4f}", again.refits
    )


def continued(model: Recommender, interactions: Interactions, **run: Any) -> Recommender:
    """A refit of the model on more interactions, with the parameters that validation chose.

    Args:
        run: `seed`, `device`, `on_epoch` and `checkpoint` of `Recommender.refit`.
    """
    start = copy.copy(model)
    for name, value in model.chosen.items():
        setattr(start, name, value)
    return start.refit(interactions, **run)


def was_refitted(files: Mapping[str, bytes]) -> bool:
    """Whether a stored candidate was started from its previous version."""
    return json.loads(files[FACTS])["refits"] > 0
