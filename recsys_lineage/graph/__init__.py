"""The lineage graph of versions and files, and the questions that it answers with plain data."""

from recsys_lineage.graph.lineage_graph import LineageGraph
from recsys_lineage.graph.questions.asof import asof, moment_of
from recsys_lineage.graph.questions.closure import downstream, upstream
from recsys_lineage.graph.questions.columns import columns
from recsys_lineage.graph.questions.diff import diff
from recsys_lineage.graph.questions.impact import impact
from recsys_lineage.graph.questions.paths import paths
from recsys_lineage.graph.questions.run_history import runs
from recsys_lineage.graph.questions.tagged import tags
from recsys_lineage.graph.questions.unread import unread

__all__ = [
    "LineageGraph", "asof", "columns", "diff", "downstream", "impact", "moment_of", "paths", "runs", "tags", "unread",
    "upstream",
]  # fmt: skip
