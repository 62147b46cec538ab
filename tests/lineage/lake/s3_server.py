"""moto's S3 server, whose conditional writes are atomic like those of S3: moto looks and writes in two steps."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from moto.s3.responses import S3Response
from moto.server import main

_WRITES = threading.Lock()


def _one_at_a_time(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def locked(*arguments: Any, **named: Any) -> Any:
        with _WRITES:
            return method(*arguments, **named)

    return locked


if __name__ == "__main__":
    S3Response.put_object = _one_at_a_time(S3Response.put_object)
    main()
