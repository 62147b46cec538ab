"""The key by which customers are assigned to arms: from the settings, or a random one that the home keeps."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pydantic import SecretStr


def assignment_key(given: SecretStr | None, path: Path) -> bytes:
    """The assignment key: that of the settings, else that of a file, which is created, readable by this user only.

    Raises:
        OSError: the file can be neither read nor made.
    """
    if given is not None and given.get_secret_value():
        return given.get_secret_value().encode()
    if path.exists():
        return path.read_bytes()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode())
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # of two that begin at once one wins, and the other takes its key
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    return path.read_bytes()
