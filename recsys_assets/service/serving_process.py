"""Settings of every process of the service: those of uvicorn, and the switching of threads."""

from __future__ import annotations

import sys
from typing import Any

from recsys_lineage.errors import LineageError

UVICORN_SETTINGS: dict[str, Any] = {
    "access_log": False,  # its lines would name customers
    "log_level": "warning",
    "server_header": False,
    "date_header": True,
    "timeout_graceful_shutdown": 10,
    "backlog": 2048,
    "http": "recsys_assets.service.web.problem_protocol:ProblemProtocol",
}
"""Settings of uvicorn."""


class ServiceError(LineageError):
    """The service could not start."""


def take_turns() -> None:
    """Switch between this process's threads every millisecond instead of every five.

    The thread that logs exposures needs the interpreter's lock for microseconds at a time, and would otherwise wait
    each time for the computation of an answer.
    """
    sys.setswitchinterval(0.001)
