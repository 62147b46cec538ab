"""The secret key that assigns customers to arms: from the settings, or a random one stored in the home."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pydantic import SecretStr


def assignment_key(setting: SecretStr | None, path: Path) -> bytes:
    """The assignment key: from the settings, else from a file, which is created if missing and private to this user.

    Raises:
        OSError: the file can be neither read nor created.
    """
    if setting is not None and setting.get_secret_value():
        return setting.get_secret_value().encode()
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
