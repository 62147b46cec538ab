"""The git checkout of this code: its commit, folder, origin, and whether it has changes."""

from __future__ import annotations

import re
import subprocess
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit


@lru_cache(maxsize=1)
def checkout_commit() -> str:
    """The commit of the checkout that this file lies in; empty for an installed wheel."""
    return _git("rev-parse", "HEAD") or ""


@lru_cache(maxsize=1)
def checkout_repository() -> str:
    """The web address of the repository of this file's checkout; empty if there is none."""
    remote = _git("config", "--get", "remote.origin.url") or ""
    if (found := re.fullmatch(r"(?:ssh://)?git@([^:/]+)[:/](.+)", remote)) is not None:
        remote = f"https://{found[1]}/{found[2]}"
    parts = urlsplit(remote)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    host = (
        parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
    )  # without a user or a token
    return f"{parts.scheme}://{host}{parts.path.removesuffix('/').removesuffix('.git')}"


@lru_cache(maxsize=1)
def checkout_folder() -> str | None:
    """The folder of the checkout that this file lies in; None for an installed wheel."""
    return _git("rev-parse", "--show-toplevel")


@lru_cache(maxsize=1)
def checkout_is_dirty() -> bool | None:
    """Whether the checkout that this file lies in has uncommitted changes; None for an installed wheel."""
    changes = _git("status", "--porcelain", "--untracked-files=no")
    return None if changes is None else bool(changes)


def _git(*command: str) -> str | None:
    """Output of git in the folder of this file; None if there is no checkout."""
    try:
        answer = subprocess.run(
            ["git", *command],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
