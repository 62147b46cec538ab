"""The documents that a user reads, taken apart: blocks of code, and commands wherever they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
PROGRAMS = ("recsys", "make", "docker", "pip")
_COMMAND = re.compile(rf"(?:[A-Z_]+=\S+ )*(?:{'|'.join(PROGRAMS)})(?: [^\s].*)?")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"(?:^    \S.*\n)(?:^(?:    .*)?\n)*", re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_IN_A_LINE = re.compile(r"cd /srv/shop && [^\"\n]+")


@dataclass(frozen=True)
class Piece:
    """Code of a document.

    `kind` is a language, `shell` for a block of commands, or `command` for one that stands in a sentence or a line.
    """

    document: Path
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        words = self.text.strip().splitlines()[0]
        return f"{self.document.name}:{self.line} {self.kind} {words[:60]}"


def pieces(document: Path) -> Iterator[Piece]:
    """All code of a document, in its order; a command that is said again is not told again."""
    text = document.read_text(encoding="utf-8")
    found: list[tuple[int, str, str]] = []
    rest = text
    for fence in _FENCE.finditer(text):
        language, code = fence[1] or "text", fence[2]
        if language == "text":
            found += [(fence.start(2) + m.start(), "command", m[0]) for m in _IN_A_LINE.finditer(code)]
        found.append((fence.start(), language, code))
        rest = rest[: fence.start()] + re.sub(r"[^\n]", " ", fence[0]) + rest[fence.end() :]
    for block in _INDENTED.finditer(rest):
        found.append((block.start(), "shell", re.sub(r"^    ", "", block[0], flags=re.MULTILINE).strip()))
        rest = rest[: block.start()] + re.sub(r"[^\n]", " ", block[0]) + rest[block.end() :]
    for span in _SPAN.finditer(rest):
        if _COMMAND.fullmatch(span[1].replace("\\|", "|")):
            found.append((span.start(), "command", span[1].replace("\\|", "|")))
    told: set[str] = set()
    for place, kind, code in sorted(found):
        if kind != "command" or code not in told:
            told.add(code)
            yield Piece(document, text.count("\n", 0, place) + 1, kind, code)
