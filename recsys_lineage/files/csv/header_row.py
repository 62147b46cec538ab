"""CsvHeader: a file's header, recognised where it repeats among the rows, as in concatenated files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from recsys_lineage.files.csv.csv_dialect import CsvDialect

_AROUND = '\ufeff \t"'
"""What may stand around a name where the header comes again: a byte order mark, blanks, quotes."""


class CsvHeader:
    """The fields of a header; case and surrounding characters of a name do not distinguish headers.

    Args:
        fields: as the file has them; empty where the source's SQL names the columns, and no row is a header.
        dialect: how the file is written.
    """

    def __init__(self, fields: Sequence[str], dialect: CsvDialect) -> None:
        self.names = [_bare(field) for field in fields]
        self._telling = all(len(name) > 1 for name in self.names)
        self._known = {*(self.names if self._telling else self.names[:1])}
        self._dialect = dialect

    def comes_again(self, fields: Sequence[str]) -> bool:
        """Whether a record of as many fields is this header again, be it in another order.

        Names of one letter are too common as values for another order to tell anything.
        """
        if _bare(fields[0]) not in self._known:
            return False
        bare = [_bare(field) for field in fields]
        return bare == self.names or (self._telling and sorted(bare) == sorted(self.names))

    def in_another_order(self, fields: Sequence[str]) -> bool:
        """Whether the rows after a record that is this header again have their columns elsewhere."""
        return [_bare(field) for field in fields] != self.names

    def may_be_in(self, block: bytes) -> bool:
        """Whether a line of a block of complete lines may be this header again."""
        if not self.names:
            return False
        if self._needle is None:
            return True
        lowered = block.lower()
        seen = -1
        for match in self._needle.finditer(lowered):
            if match.start() < seen:
                continue  # on a line that was looked at
            start, seen = lowered.rfind(b"\n", 0, match.start()) + 1, lowered.find(b"\n", match.end())
            seen = len(lowered) if seen < 0 else seen
            letters = lowered[start:seen].translate(None, self._noise)
            if len(letters) == len(self._letters) and sorted(letters) == self._letters:
                return True
        return False

    @cached_property
    def _needle(self) -> re.Pattern[bytes] | None:
        """Finds the longest name that stands in a line as it is, where it is a field's end; None where none does."""
        quote = self._dialect.quote.encode()
        longest = max((name for name in self.names if not quote or quote not in name), key=len, default=b"")
        return (
            re.compile(re.escape(longest) + b"(?![^" + re.escape(self._noise) + b"\n])") if longest else None
        )

    @cached_property
    def _noise(self) -> bytes:
        """The bytes by which lines of one header may differ."""
        return (_AROUND + "\r" + self._dialect.quote + self._dialect.delimiter).encode()

    @cached_property
    def _letters(self) -> list[int]:
        """All other bytes of the header, sorted: the same in whatever order its names come."""
        return sorted(b"".join(self.names).translate(None, self._noise))


def _bare(field: str) -> bytes:
    """A field without what may stand around it, its ASCII letters in lower case."""
    return field.strip(_AROUND).encode().lower()
