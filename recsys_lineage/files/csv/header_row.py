"""CsvHeader: a file's header, recognised where it repeats among the rows, as in concatenated files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from unicodedata import normalize

from recsys_lineage.files.csv.csv_dialect import CsvDialect
from recsys_lineage.spelling import folded

_BLANK = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u00ad\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060\u2061"
    "\u2062\u2063\u2064\u3000\ufeff"
)
"""What may stand around a name unseen: blanks, marks of byte order and of direction, signs of no width."""
_QUOTES = "\"'\u2018\u2019\u201c\u201d\u201e\u201a\u00ab\u00bb"
_OF_ONE_LETTER = re.compile("(?=(ffi|ffl|ff|fi|fl|ss|st|i\u0307|\u02bcn|a\u02be))")
"""Several letters that may be written as one other, such as ss as a capital of ß, and are ASCII in part."""
_OF_NO_ASCII = {"s": "\u017f", "k": "\u212a", ";": "\u037e", "`": "\u1fef"}
"""The letters of ASCII that may be written as one that is none."""


class CsvHeader:
    """The fields of a header; case, encoding of accents and surrounding characters do not distinguish headers.

    Args:
        fields: as the file has them; empty where the source's SQL names the columns, and no row is a header.
        dialect: how the file is written.
    """

    def __init__(self, fields: Sequence[str], dialect: CsvDialect) -> None:
        self._around = _BLANK + _QUOTES + dialect.quote
        self.names = [self._bare(field) for field in fields]
        self._telling = all(len(name) > 1 for name in self.names)
        self._known = {*(self.names if self._telling else self.names[:1])}
        self._noise = dict.fromkeys(map(ord, self._around + dialect.delimiter))
        self._quote = dialect.quote
        self._letters = self._letters_of("".join(self.names))

    def comes_again(self, fields: Sequence[str]) -> bool:
        """Whether a record of as many fields is this header again, be it in another order.

        Names of one letter are too common as values for another order to tell anything.
        """
        if self._bare(fields[0]) not in self._known:
            return False
        bare = [self._bare(field) for field in fields]
        return bare == self.names or (self._telling and sorted(bare) == sorted(self.names))

    def in_another_order(self, fields: Sequence[str]) -> bool:
        """Whether the rows after a record that is this header again have their columns elsewhere."""
        return [self._bare(field) for field in fields] != self.names

    def may_be_in(self, block: bytes) -> bool:
        """Whether a line of a block of whole lines, of UTF-8, may be this header again."""
        if not self.names:
            return False
        if not block.isascii() and any(sign in block for sign in self._strange):
            return True
        return any(self._letters_of(line) == self._letters for line in self._lines_with_a_name(block))

    def _bare(self, field: str) -> str:
        """A field as a name, without what may stand around it; as it is where nothing else is there."""
        bare = field.strip(self._around)
        return folded(" ".join(bare.split()) if bare else field)

    def _letters_of(self, line: str) -> list[str]:
        """The letters of a line, sorted: the same in whatever order the names of a header come."""
        return sorted(folded(line).translate(self._noise))

    def _lines_with_a_name(self, block: bytes) -> Iterator[str]:
        """The lines in which a part of a name stands that is written in one way only, but for its case."""
        if self._needle is None:
            text = folded(block.decode())
            longest = max((part for name in self.names for part in name.split()), key=len, default="")
            yield from (line for line in text.split("\n") if longest in line)
            return
        lowered = block.lower()
        seen = -1
        for match in self._needle.finditer(lowered):
            if match.start() < seen:
                continue  # on a line that was looked at
            start, seen = lowered.rfind(b"\n", 0, match.start()) + 1, lowered.find(b"\n", match.end())
            seen = len(lowered) if seen < 0 else seen
            line = lowered[start:seen]
            if not line.isascii() or len(line.translate(None, self._noise_bytes)) == len(self._letters):
                yield line.decode()

    @cached_property
    def _needle(self) -> re.Pattern[bytes] | None:
        """Finds the longest part of a name that is ASCII in whatever way the name is written; None where none is."""
        parts = [
            (run, run.end() == len(run.string))
            for name in self.names
            for run in re.finditer(r"[!-~]+", _without_letters_of_two_ways(name, self._quote))
        ]
        if not parts:
            return None
        longest, ends = max(parts, key=lambda part: len(part[0][0]))
        inside = bytes({*range(0x80)} - {*self._noise})
        return re.compile(
            re.escape(longest[0].encode()) + (b"(?![" + re.escape(inside) + b"])" if ends else b"")
        )

    @cached_property
    def _noise_bytes(self) -> bytes:
        return bytes({*range(0x80)} & {*self._noise})

    @cached_property
    def _strange(self) -> list[bytes]:
        """The letters of no ASCII that may stand for an ASCII letter of the names."""
        return [sign.encode() for letter, sign in _OF_NO_ASCII.items() if letter in "".join(self.names)]


def _without_letters_of_two_ways(name: str, quote: str) -> str:
    """A name with a blank for each letter that may be written as none of ASCII, and for a quote, which is doubled."""
    apart = normalize("NFD", name)
    letters = list(apart.replace(quote, " ") if quote else apart)
    for found in _OF_ONE_LETTER.finditer(apart):
        letters[found.start() : found.start() + len(found[1])] = " " * len(found[1])
    return re.sub(r".(?=[^\0-\x7f])", " ", "".join(letters), flags=re.DOTALL)
