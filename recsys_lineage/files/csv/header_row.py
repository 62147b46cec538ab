"""CsvHeader: a file's header, recognised if it is repeated among the rows, as in concatenated files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from unicodedata import normalize

from recsys_lineage.files.csv.csv_dialect import CsvDialect
from recsys_lineage.spelling import folded

AGAIN = "the header again"
OTHER_ORDER = "its header again in another order"
OTHER_COLUMNS = "another header"
_MOST_OTHER_COLUMNS = 2
"""The most columns in which a recognised header may differ; more than half must be the same."""
_MANY = 3
"""Names of one letter that tell a header in another order, where a line has so many."""
_BLANK = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u00ad\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060\u2061"
    "\u2062\u2063\u2064\u3000\ufeff"
)
"""Invisible characters around a name: blanks, byte order and direction marks, characters of no width."""
_QUOTES = "\"'\u2018\u2019\u201c\u201d\u201e\u201a\u00ab\u00bb"
_OF_ONE_LETTER = re.compile("(?=(ffi|ffl|ff|fi|fl|ss|st|i\u0307|\u02bcn|a\u02be))")
"""Sequences of letters that may be written as one character, such as ss as a capital of ß, and are ASCII in part."""
_OF_NO_ASCII = {"s": "\u017f", "k": "\u212a", ";": "\u037e", "`": "\u1fef"}
"""ASCII characters that may be written as a non-ASCII one."""


class CsvHeader:
    """The fields of a header; headers that differ only in case, encoding of accents or surrounding characters are
    equal.

    Args:
        fields: the fields in the file; empty where the source's SQL names the columns and no row is a header.
        dialect: the file's dialect.
    """

    def __init__(self, fields: Sequence[str], dialect: CsvDialect) -> None:
        self._around = _BLANK + _QUOTES + dialect.quote
        self.names = [self._bare(field) for field in fields]
        self._sorted = sorted(self.names)
        self._all = {*self.names}
        self._counted = Counter(name for name in self.names if name.strip())
        self._telling = Counter(name for name in self.names if len(name) > 1)
        self._others = min((len(self.names) - 1) // 2, _MOST_OTHER_COLUMNS)
        self._noise = dict.fromkeys(map(ord, self._around + dialect.delimiter))
        self._quote = dialect.quote
        self._sought: list[_WrittenName] = []
        """Names of which one is in each line that may be a header: the rarest in the first block."""

    def found_in(self, fields: Sequence[str]) -> str:
        """How a record is a header of such files: `AGAIN`, `OTHER_ORDER` or `OTHER_COLUMNS`, or empty where it is none.

        Two names of one letter are too common as values for another order to tell anything, and three are for other
        columns. A line that was cut off, or ends with delimiters, has no other columns.
        """
        if not any(self._bare(field) in self._all for field in fields[: self._others + 1]):
            return ""
        bare = [self._bare(field) for field in fields]
        if bare == self.names:
            return AGAIN
        if sorted(bare) == self._sorted and (len(bare) >= _MANY or len(self._telling) == len(self.names)):
            return OTHER_ORDER
        if bare[: len(self.names)] == self.names[: len(bare)] and not any(bare[len(self.names) :]):
            return ""
        fewest = max(len(bare), len(self.names)) - self._others
        shared = Counter(bare) & self._counted
        tell = (shared & self._telling).total() >= fewest or shared.total() >= max(fewest, _MANY + 1)
        return OTHER_COLUMNS if self._others and tell else ""

    def may_be_in(self, block: bytes) -> bool:
        """Whether a line of a block of whole lines, of UTF-8, may be a header of as many fields."""
        if not self.names:
            return False
        if not block.isascii() and any(sign in block for sign in self._strange):
            return True
        plain = [name for name in self._written if not name.folds]
        folds = len(plain) <= self._missing
        text = folded(block.decode()).encode() if folds else block.lower()
        if not self._sought:
            known = self._written if folds else plain
            self._sought = sorted(known, key=lambda name: text.count(name.part))[: self._missing + 1]
        return any(self._may_be(line, folds=folds) for line in self._lines_with_a_name(text))

    def _bare(self, field: str) -> str:
        """A field as a name, without what may stand around it; as it is where nothing else is there."""
        if field.isalnum() and field.isascii():
            return field.lower()  # as below, and most fields are such
        bare = field.strip(self._around)
        return folded(" ".join(bare.split()) if bare else field)

    def _may_be(self, line: bytes, *, folds: bool) -> bool:
        """Whether so many names may stand in a line, folded or in lower case, that it may be a header."""
        missing = 0
        for name in self._written:
            if name.part not in line and (folds or not name.folds):
                missing += 1
                if missing > self._missing:
                    return False
        return sum(not name.may_stand_in(line, folds=folds) for name in self._written) <= self._missing

    def _lines_with_a_name(self, block: bytes) -> Iterator[bytes]:
        """The lines in which one of the names stands of which a header lacks not all, up to its end."""
        for name in self._sought:
            for found in name.with_rest_of_line.finditer(block):
                yield block[block.rfind(b"\n", 0, found.start()) + 1 : found.end()]

    @cached_property
    def _missing(self) -> int:
        """How many names of this header a line may lack that is a header."""
        if self._telling.total() >= len(self.names) - self._others:
            return self._others
        return max(0, min(self._others, self._counted.total() - _MANY - 1))

    @cached_property
    def _written(self) -> list[_WrittenName]:
        return [_WrittenName(name, self._quote, self._inside) for name in self.names]

    @cached_property
    def _inside(self) -> frozenset[bytes]:
        """The letters of ASCII that no name may have beside it."""
        return frozenset(bytes([code]) for code in range(0x80) if code not in self._noise)

    @cached_property
    def _strange(self) -> list[bytes]:
        """The non-ASCII characters that may replace an ASCII letter of the names."""
        return [sign.encode() for letter, sign in _OF_NO_ASCII.items() if letter in "".join(self.names)]


class _WrittenName:
    """What stands in a line in which a name stands, in whatever way it is written.

    Attributes:
        folds: whether it is looked for in a folded text, because no part of ASCII is written in one way only.
        part: of the name, in whatever way that is written.
        with_rest_of_line: pattern of that part and of what follows it.
    """

    def __init__(self, name: str, quote: str, inside: Collection[bytes]) -> None:
        text = _without_letters_of_two_ways(name, quote)
        run = max(re.finditer(r"[!-~]+", text), key=lambda found: len(found[0]), default=None)
        self.folds = run is None
        parts = name.replace(quote, " ").split() if quote else name.split()
        self.part = (run[0] if run else max(parts, key=len, default="")).encode()
        letters = re.escape(b"".join(inside))
        before = b"(?<![" + letters + b"])" if run is not None and run.start() == 0 else b""
        after = b"(?![" + letters + b"])" if run is not None and run.end() == len(text) else b""
        self._alone = re.compile(before + re.escape(self.part) + after)
        self.with_rest_of_line = re.compile(re.escape(self.part) + after + rb"[^\n]*")

    def may_stand_in(self, line: bytes, *, folds: bool) -> bool:
        """Whether it may stand in a line, folded or in lower case."""
        if self.folds and not folds:
            return True
        return self.part in line and self._alone.search(line) is not None


def _without_letters_of_two_ways(name: str, quote: str) -> str:
    """A name with a blank for each letter that has a non-ASCII spelling, and for a quote, which is doubled."""
    apart = normalize("NFD", name)
    letters = list(apart.replace(quote, " ") if quote else apart)
    for found in _OF_ONE_LETTER.finditer(apart):
        letters[found.start() : found.start() + len(found[1])] = " " * len(found[1])
    return re.sub(r".(?=[^\0-\x7f])", " ", "".join(letters), flags=re.DOTALL)
