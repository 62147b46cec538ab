"""The graph of what was made of which, and the questions that it answers with plain data."""

from recsys_lineage.graph.asof import asof, moment_of
from recsys_lineage.graph.closure import downstream, upstream
from recsys_lineage.graph.columns import columns
from recsys_lineage.graph.impact import impact
from recsys_lineage.graph.lineage_graph import LineageGraph
from recsys_lineage.graph.paths import paths
from recsys_lineage.graph.runs import runs
from recsys_lineage.graph.tagged import tags
from recsys_lineage.graph.unread import unread

__all__ = [
    "LineageGraph", "asof", "columns", "downstream", "impact", "moment_of", "paths", "runs", "tags", "unread",
    "upstream",
]  # fmt: skip
