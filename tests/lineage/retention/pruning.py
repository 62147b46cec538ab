"""Prunes in processes of their own, some of which are killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.stores.storage import Storage
from recsys_lineage.retention.policy import Policy
from recsys_lineage.retention.prune import prune
from tests.lineage.retention.conftest import ENGINE


def prune_at(uri: str, at: str, go: str = "") -> int:
    """Prune as of a moment; returns how many files went."""
    while go and not Path(go).exists():
        pass
    return prune(
        Lake(uri, ENGINE), lambda _: Policy(2), now=datetime.fromisoformat(at), grace=timedelta(0)
    ).files


def prune_and_die(uri: str, aws: Mapping[str, str], at: str, changes: int) -> None:
    """Be killed right before the change of so many to the lake's files."""
    os.environ.update(aws)  # a process of the fork server has what was set when that began
    left = [changes]

    def dying(name: str):
        real = getattr(Storage, name)

        def call(self: Storage, *arguments):
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return real(self, *arguments)

        return call

    for name in ("delete", "write_bytes"):
        setattr(Storage, name, dying(name))
    prune_at(uri, at)
