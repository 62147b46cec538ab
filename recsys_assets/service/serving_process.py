"""Settings of every process of the service: how it serves, how its threads alternate, and its errors."""

from __future__ import annotations

import sys
from typing import Any

from recsys_lineage.errors import LineageError

SERVED_BY: dict[str, Any] = {
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

    The one that writes down what was shown needs the interpreter's lock for microseconds at a time, and would wait each
    time until the answer is computed that the other one is at.
    """
    sys.setswitchinterval(0.001)
