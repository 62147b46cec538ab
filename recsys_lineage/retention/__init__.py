"""What of a lake is kept, and for how long: policies, holds, and the prune that deletes the rest."""

from recsys_lineage.retention.holds import Hold, Holds
from recsys_lineage.retention.policy import Policies, Policy, kept_versions
from recsys_lineage.retention.prune import Prune, TablePrune, plan_prune, prune

__all__ = [
    "Hold",
    "Holds",
    "Policies",
    "Policy",
    "Prune",
    "TablePrune",
    "kept_versions",
    "plan_prune",
    "prune",
]
