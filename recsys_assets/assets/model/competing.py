"""The families that can compete, and the names of their assets."""

from __future__ import annotations

from recsys_lineage.errors import LineageError
from recsys_models.families import families

FAMILIES = tuple(families)
"""Every family of the registry; a new one only has to be registered there."""
BASELINES = ("popularity", "item_neighbours")


def competing(names: str) -> list[str]:
    """The families of a comma-separated list, in the order of `FAMILIES`; the baselines always take part.

    Raises:
        LineageError: a name is not a family.
    """
    requested = {name.strip() for name in names.split(",") if name.strip()}
    if unknown := sorted(requested - set(FAMILIES)):
        raise LineageError(
            f"There is no model family {', '.join(unknown)}.",
            expected=", ".join(FAMILIES),
            where="RECSYS_FAMILIES",
        )
    return [family for family in FAMILIES if family in requested or family in BASELINES]


def candidate_name(family: str) -> str:
    """The asset of a family."""
    return f"candidate_{family}"


def tuning_name(family: str) -> str:
    """The asset of a family's search for parameters."""
    return f"tuning_{family}"
