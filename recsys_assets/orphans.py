"""Orphans: Dagster's processes end with the process that started them.

Run workers and steps are children of the code server, which may be killed without notice to them. They would continue
for hours with the files, the memory and the place in the pool of a run that nobody watches any more.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from functools import lru_cache

import psutil

SECONDS_BETWEEN_LOOKS = 1.0


@lru_cache(maxsize=1)
def end_with_starter() -> None:
    """Arrange that this process is killed once the one that started it is gone, if Dagster started it for its own use.

    That is a run worker or a step (a child of `multiprocessing`), or a server that expects heartbeats; a process
    started by a shell or a service is left as it is.
    """
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        _watch(parent.pid)
    elif "--heartbeat" in sys.argv:
        _watch(os.getppid())


def _watch(pid: int) -> None:
    def look() -> None:
        try:
            starter = psutil.Process(pid)
            while starter.is_running() and starter.status() != psutil.STATUS_ZOMBIE:
                time.sleep(SECONDS_BETWEEN_LOOKS)
        except psutil.NoSuchProcess:
            pass
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=look, name="end-with-starter", daemon=True).start()
