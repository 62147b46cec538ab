"""ServiceFiles: the paths of the service's files in a home."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True)
class ServiceFiles:
    """The files of a home that belong to the service."""

    code_version_fields: ClassVar[tuple[str, ...]] = ()
    """No attribute: where a home lies changes no result."""
    home: Path
    feedback: Path = field(init=False)
    own: Path = field(init=False)
    tokens: Path = field(init=False)
    key: Path = field(init=False)
    rules: Path = field(init=False)
    experiments: Path = field(init=False)

    def __post_init__(self) -> None:
        for name, path in {
            "feedback": "feedback",
            "own": "service",
            "tokens": "service/tokens.json",
            "key": "service/assignment.key",
            "rules": "rules.toml",
            "experiments": "experiments.toml",
        }.items():
            object.__setattr__(self, name, self.home / path)
