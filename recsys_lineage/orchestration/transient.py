"""Transient errors, which may not occur again, so a retry is worthwhile."""

from __future__ import annotations

import dagster as dg
from botocore.exceptions import ConnectionError as StoreConnectionError
from botocore.exceptions import HTTPClientError

from recsys_lineage.error_text import causes_of
from recsys_lineage.errors import WriteConflict

RETRY = dg.RetryPolicy(max_retries=2, delay=1, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)

_TRANSIENT = (WriteConflict, ConnectionError, TimeoutError, StoreConnectionError, HTTPClientError)


def is_transient(error: BaseException) -> bool:
    """Whether the error, or one that caused it, is a lost connection, a time-out or a lost race."""
    return any(isinstance(cause, _TRANSIENT) for cause in causes_of(error))
