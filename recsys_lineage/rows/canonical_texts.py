"""CanonicalTexts: queries over steps as texts that are equal if they read the same from steps with the same rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from recsys_lineage.rows.statement.steps import Step
from recsys_lineage.rows.step_cache import Contents

_WORDS = re.compile(r'"(?:[^"]|"")+"|\w+')
_NAMED = re.compile(rf"(\b(?i:AS)\s+)?({_WORDS.pattern})")
"""A word of a text, and whether it is an alias there."""
_ONE_OF = re.compile(r"IN \(SELECT (\w+) FROM (\w+)\)")
_A_NULL = re.compile(r"EXISTS \(SELECT 1 FROM (\w+) WHERE (\w+) IS NULL\)")
_OR_NO_NULL = re.compile(r"\((\S+) IN (\[[^\]]*\]) OR \(\1 IS NULL AND False\)\)")
_OF_NO_NULL = re.compile(r" UNION ALL SELECT \* FROM [^()]* WHERE (\S+) IS NULL AND \1 IN \[[^\]]*\]$")


class CanonicalTexts:
    """Canonical texts of queries over the steps of one statement, whose names differ from statement to statement.

    Args:
        steps: by name, folded; they grow.
        contents: of those that are filled.
        is_filled: whether the step of a name, folded, is or can be filled.
    """

    def __init__(
        self, steps: Mapping[str, Step], contents: Contents, is_filled: Callable[[str], bool]
    ) -> None:
        self._steps, self._contents, self._is_filled = steps, contents, is_filled
        self._texts: dict[str, str] = {}

    def named(self, text: str) -> list[str]:
        """The steps that a text reads, in order; one whose name is an alias in it is not read by that."""
        words = (_folded(word) for alias, word in _NAMED.findall(text) if not alias)
        return [word for word in dict.fromkeys(words) if word in self._steps]

    def of(self, text: str) -> str:
        """A text with the content or text of its steps in place of their names."""

        def is_here(name: str) -> bool:
            return name.casefold() in self._steps and self._is_filled(name.casefold())

        def values(found: re.Match[str]) -> str:
            column, table = found[1], found[2]
            return f"IN {self._contents.of_values(table, column)}" if is_here(table) else found[0]

        def null(found: re.Match[str]) -> str:
            table, column = found[1], found[2]
            return str(self._contents.has_null(table, column)) if is_here(table) else found[0]

        def word(found: re.Match[str]) -> str:
            name = _folded(found[2])
            if found[1] or name not in self._steps:  # an alias is none of the steps
                return found[0]
            if is_here(name):
                return f"[{self._contents.of_rows(self._steps[name].name)}]"
            if name not in self._texts:
                self._texts[name] = name  # a recursive step contains its own name
                step = self._steps[name]
                self._texts[name] = f"[{step.columns} {step.keys} {self.of(step.text)}]"
            return self._texts[name]

        shortened = _OR_NO_NULL.sub(r"\1 IN \2", _A_NULL.sub(null, _ONE_OF.sub(values, text)))
        return _NAMED.sub(word, _OF_NO_NULL.sub("", shortened))


def _folded(word: str) -> str:
    return (word[1:-1].replace('""', '"') if word.startswith('"') else word).casefold()
