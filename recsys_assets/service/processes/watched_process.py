"""WatchedProcess: a worker whose death its supervisor notices at once, even while it waits for the worker's message."""

from __future__ import annotations

from multiprocessing.connection import wait

from uvicorn.supervisors import multiprocess
from uvicorn.supervisors.multiprocess import Process


class WatchedProcess(Process):
    """A worker of uvicorn's supervisor.

    uvicorn only waits for a worker's message. If the worker is killed just then, uvicorn would wait for the whole start
    timeout before it starts another one.
    """

    def is_alive(self, timeout: float = 5) -> bool:
        """Whether it is alive and answers within a number of seconds."""
        if not self.process.is_alive():
            return False
        try:
            self.parent_conn.send(b"ping")
            if self.parent_conn not in wait([self.parent_conn, self.process.sentinel], timeout):
                return False
            self.parent_conn.recv()
        except (OSError, EOFError):
            return False
        return True


def watch_workers() -> None:
    """Make uvicorn's supervisor create workers of this class, for which it has no setting."""
    multiprocess.Process = WatchedProcess
