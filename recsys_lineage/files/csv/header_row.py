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
"""The least number of one-letter names that reveals a header in another order."""
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
        fields: the fields in the file, or the names in the source's SQL where the file should have no header.
        dialect: the file's dialect.
        in_file: whether they stand in the file; otherwise only a line with exactly these names is a header.
    """

    def __init__(self, fields: Sequence[str], dialect: CsvDialect, *, in_file: bool = True) -> None:
        self._around = _BLANK + _QUOTES + dialect.quote
        self.names = [self._bare(field) for field in fields]
        self._sorted = sorted(self.names)
        self._all = {*self.names}
        self._counted = Counter(name for name in self.names if name.strip())
        self._telling = Counter(name for name in self.names if len(name) > 1)
        self._in_file = in_file
        self._others = min((len(self.names) - 1) // 2, _MOST_OTHER_COLUMNS) if in_file else 0
        self._noise = dict.fromkeys(map(ord, self._around + dialect.delimiter))
        self._quote = dialect.quote
        self._sought: list[_WrittenName] = []
        """Names of which every possible header line has at least one: the rarest in the first block."""

    def found_in(self, fields: Sequence[str]) -> str:
        """The kind of header that a record is: `AGAIN`, `OTHER_ORDER` or `OTHER_COLUMNS`; empty if it is none.

        Names of one letter are too common as values: two of them do not reveal another order, three do not reveal other
        columns. A line that was truncated, or ends with delimiters, has no other columns.
        """
        if not any(self._bare(field) in self._all for field in fields[: self._others + 1]):
            return ""
        bare = [self._bare(field) for field in fields]
        if bare == self.names:
            return AGAIN
        if not self._in_file:
            return ""
        if sorted(bare) == self._sorted and (len(bare) >= _MANY or len(self._telling) == len(self.names)):
            return OTHER_ORDER
        if bare[: len(self.names)] == self.names[: len(bare)] and not any(bare[len(self.names) :]):
            return ""
        fewest = max(len(bare), len(self.names)) - self._others
        shared = Counter(bare) & self._counted
        tell = (shared & self._telling).total() >= fewest or shared.total() >= max(fewest, _MANY + 1)
        return OTHER_COLUMNS if self._others and tell else ""

    def may_be_in(self, block: bytes) -> bool:
        """Whether a line of a block of whole UTF-8 lines may be a header with as many fields."""
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
        """A field as a name, without the characters that may surround it; unchanged if nothing else is left."""
        if field.isalnum() and field.isascii():
            return field.lower()  # as below, and most fields are such
        bare = field.strip(self._around)
        return folded(" ".join(bare.split()) if bare else field)

    def _may_be(self, line: bytes, *, folds: bool) -> bool:
        """Whether a line, folded or in lower case, may contain enough of the names to be a header."""
        missing = 0
        for name in self._written:
            if name.part not in line and (folds or not name.folds):
                missing += 1
                if missing > self._missing:
                    return False
        return sum(not name.may_occur_in(line, folds=folds) for name in self._written) <= self._missing

    def _lines_with_a_name(self, block: bytes) -> Iterator[bytes]:
        """The lines, up to their end, that contain one of the names of which a header has at least one."""
        for name in self._sought:
            for found in name.with_rest_of_line.finditer(block):
                yield block[block.rfind(b"\n", 0, found.start()) + 1 : found.end()]

    @cached_property
    def _missing(self) -> int:
        """The most names of this header that another header may lack."""
        if self._telling.total() >= len(self.names) - self._others:
            return self._others
        return max(0, min(self._others, self._counted.total() - _MANY - 1))

    @cached_property
    def _written(self) -> list[_WrittenName]:
        return [_WrittenName(name, self._quote, self._inside) for name in self.names]

    @cached_property
    def _inside(self) -> frozenset[bytes]:
        """The ASCII letters that may not be adjacent to a name."""
        return frozenset(bytes([code]) for code in range(0x80) if code not in self._noise)

    @cached_property
    def _strange(self) -> list[bytes]:
        """The non-ASCII characters that may replace an ASCII letter of the names."""
        return [sign.encode() for letter, sign in _OF_NO_ASCII.items() if letter in "".join(self.names)]


class _WrittenName:
    """The part of a name that is in every line with the name, however it is spelled.

    Attributes:
        folds: whether it is searched in a folded text, because no ASCII part has only one spelling.
        part: the part of the name that every spelling has.
        with_rest_of_line: pattern of that part and the rest of the line.
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

    def may_occur_in(self, line: bytes, *, folds: bool) -> bool:
        """Whether a line, folded or in lower case, may contain the name."""
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
