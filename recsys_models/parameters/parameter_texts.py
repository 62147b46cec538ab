"""Descriptions of the families' parameters, and their allowed values."""

from __future__ import annotations

import inspect
import re

from recsys_models.parameters.parameters import in_words, kinds

_ENTRY = re.compile(r"^ {4}(\w+(?:, \w+)*): ")


def parameter_texts(family: type) -> dict[str, str]:
    """Parameter → its allowed values, and its description in the docstring of its family or base class."""
    written: dict[str, str] = {}
    for each in reversed(family.__mro__):
        written |= _written(each)
    return {
        name: ": ".join(filter(None, (in_words(kind), written.get(name))))
        for name, kind in kinds(family).items()
    }


def _written(family: type) -> dict[str, str]:
    """The entries of the docstring's section Args."""
    doc = inspect.cleandoc(vars(family).get("__doc__") or "")
    _, _, section = doc.partition("\nArgs:\n")
    texts: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        if not line.startswith(" "):
            break
        if entry := _ENTRY.match(line):
            names = entry[1].split(", ")
            line = line[entry.end() :]
        for name in names:
            texts[name] = f"{texts.get(name, '')} {line.strip()}".strip()
    return texts
