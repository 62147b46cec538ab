"""Processes of their own for tests of what many write at once and of what a killed one leaves."""

from __future__ import annotations

import multiprocessing

BESIDE = multiprocessing.get_context("forkserver")
"""Each begins as a copy of a process that has imported the lake and has opened nothing: it need not import it again."""
BESIDE.set_forkserver_preload(
    ["recsys_lineage.lake.lake", "recsys_lineage.records.records", "recsys_lineage.retention.prune"]
)
