"""Tokens: access to the service from other machines, by scopes; only hashes are stored."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal, get_args

from recsys_lineage.errors import LineageError, did_you_mean

Scope = Literal["read", "events", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""Scopes: `read` for answers, `events` to send events, `admin` for status and metrics as well as both."""


class TokenError(LineageError):
    """A token that cannot be made, found or revoked."""


@dataclass(frozen=True)
class Token:
    """A token without its secret.

    Attributes:
        name: of its user.
        sha256: of the secret; 256 random bits need no salt.
        scopes: its permissions.
        made: time at which it was made, UTC.
    """

    name: str
    sha256: str
    scopes: tuple[Scope, ...]
    made: str

    def may(self, scope: Scope) -> bool:
        """Whether it has a scope."""
        return scope in self.scopes or "admin" in self.scopes


class Tokens:
    """The tokens of a home, in one file that is private to its user."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> list[Token]:
        """Every token, oldest first.

        Raises:
            TokenError: the file is damaged, or others may write to it.
        """
        try:
            if self._path.stat().st_mode & 0o022:
                raise TokenError(
                    "Others may write to the file of tokens, and so grant themselves access.",
                    expected="a file that only its owner may write to",
                    found=f"the mode {self._path.stat().st_mode & 0o777:o}",
                    where=str(self._path),
                    advice=f"chmod 600 {self._path}, then check whose tokens there are: recsys token list",
                )
            entries = json.loads(self._path.read_text())
            return [Token(e["name"], e["sha256"], tuple(e["scopes"]), e["made"]) for e in entries]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError) as error:
            raise TokenError(
                "The file of tokens is damaged.",
                expected="what `recsys token add` writes",
                where=str(self._path),
                advice="delete it, and add the tokens anew",
            ) from error

    def add(self, name: str, scopes: Collection[str]) -> str:
        """Make a token; returns its secret, which is kept nowhere.

        Raises:
            TokenError: the name is taken, or a scope is unknown.
        """
        for scope in scopes:
            if scope not in SCOPES:
                raise TokenError(
                    f"There is no scope {scope!r}.",
                    expected=f"one or more of {', '.join(SCOPES)}",
                    advice=did_you_mean(scope, SCOPES) or None,
                )
        known = self.all()
        if not name.strip() or any(token.name == name for token in known):
            raise TokenError(
                f"A token cannot be called {name!r}.",
                expected="a name that no other token has",
                found=", ".join(token.name for token in known) or "no token",
                advice="take another name, or remove the token first",
            )
        secret = "recsys_" + secrets.token_urlsafe(32)
        granted: tuple[Scope, ...] = tuple(scope for scope in SCOPES if scope in scopes)
        moment = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self._write([*known, Token(name, _hash(secret), granted, moment)])
        return secret

    def remove(self, name: str) -> None:
        """Revoke a token; the service notices within seconds.

        Raises:
            TokenError: there is none of that name.
        """
        known = self.all()
        left = [token for token in known if token.name != name]
        if len(left) == len(known):
            names = [token.name for token in known]
            raise TokenError(
                f"There is no token {name!r}.",
                expected=f"one of {', '.join(names)}" if names else "a token; there is none",
                advice=did_you_mean(name, names) or None,
            )
        self._write(left)

    def by_hash(self) -> dict[str, Token]:
        """Every token by the hash of its secret."""
        return {token.sha256: token for token in self.all()}

    def _write(self, tokens: Collection[Token]) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump([vars(token) for token in tokens], file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, self._path)


def token_of(secret: str, by_hash: dict[str, Token]) -> Token | None:
    """The token of a secret; None if there is none."""
    return by_hash.get(_hash(secret))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
