"""Text files of any encoding, read as UTF-8."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable

from recsys_lineage.files.csv.csv_lines import is_utf8
from recsys_lineage.files.csv.mixed_encoding import mixed_fault
from recsys_lineage.files.csv.text_encoding import better_encoding, guessed_encoding
from recsys_lineage.files.fault import FileFault, csv_fault
from recsys_lineage.files.source_bytes import SourceBytes

FIRST_BYTES = 512
"""Bytes at the start of a file that identify its format."""
_SINGLE_BYTE = (
    "cp125",
    "cp437",
    "cp7",
    "cp85",
    "cp86",
    "cp874",
    "iso8859",
    "latin",
    "koi8",
    "mac-",
    "tis-620",
)
_CONTROLS = re.compile("[\x80-\x84\x86-\x9f]")
"""Pattern of the control characters to which encodings such as latin-1 decode bytes that are letters in others."""
_UTF8_LETTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_MARKS = (
    ((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE), "utf-32"),  # a mark of UTF-32 begins with one of UTF-16
    ((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE), "utf-16"),
)
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""Byte order mark → encoding; a longer mark comes before its prefixes."""
_ZEROS = {"0111": "utf-32-le", "1110": "utf-32-be", "01": "utf-16-le", "10": "utf-16-be"}
"""Zero bytes in an ASCII letter of several bytes, 0 for each → the encoding."""
_FEWEST_LETTERS, _MOST_LETTERS = 4, 32
_LONGEST_LINE = 1 << 20
"""Length of a line in bytes above which its parts are examined separately."""


class Utf8Stream:
    """A byte stream read as UTF-8 without byte order mark.

    UTF-8, whether named or by default, passes unchecked, so that a stray byte is a fault of its row. Any other
    encoding, named or recognized by the byte order mark of UTF-16 and UTF-32, is decoded strictly. A single-byte
    encoding decodes anything, UTF-8 as wrong letters; so a file with a line of UTF-8 is a fault then.

    Args:
        stream: the bytes.
        name: the file's name in messages.
        encoding: None for UTF-8, or UTF-16 or UTF-32 where the file begins with its byte order mark.
        in_two_encodings: description of the lines that are UTF-8 and those that are not, where both occur.
    """

    def __init__(
        self, stream: SourceBytes, name: str, encoding: str | None, in_two_encodings: Callable[[], str]
    ) -> None:
        self.stream = stream
        self.name = name
        self.start = stream.read(FIRST_BYTES)
        encoding_name = codecs.lookup(encoding).name if encoding else None
        if encoding_name is None:
            encoding_name = next((name for marks, name in _MARKS if self.start.startswith(marks)), None)
        if encoding_name in (None, "utf-8", "utf-8-sig", "ascii"):
            self.start = self.start.removeprefix(codecs.BOM_UTF8)
            self.decoder = None
        else:
            assert encoding_name is not None
            self.encoding = encoding_name
            self.in_doubt = encoding_name.startswith(_SINGLE_BYTE)
            self.in_two_encodings = in_two_encodings
            self.line = b""
            self.head = self.start
            self.is_compared = False
            self.decoder = codecs.getincrementaldecoder(encoding_name)()

    def read(self, size: int) -> bytes:
        """Read about `size` bytes, at least one; nothing at the end.

        Raises:
            FileFault: the bytes are not in the encoding, or are UTF-8 although a single-byte encoding is named.
        """
        while True:
            raw = self.start + self.stream.read(size)
            self.start = b""
            if self.decoder is None:
                return raw
            if self.in_doubt and self._has_utf8(raw):
                raise self._utf8_fault()
            try:
                text = self.decoder.decode(raw, final=not raw)
            except UnicodeError as error:
                if self.in_doubt and (_begins_as_utf8(self.line) or self.in_two_encodings()):
                    raise self._utf8_fault() from None
                raise self._other_letters(f"bytes that are no {self.encoding} text ({error})", raw) from None
            if self.in_doubt and (control := _CONTROLS.search(text)):
                found = f"the byte 0x{ord(control[0]):02x}, which is no letter in {self.encoding}"
                raise self._other_letters(found, raw)
            self._compare(raw)
            text = text.removeprefix("\ufeff") if raw else text
            if text or not raw:
                return text.encode()

    def _has_utf8(self, block: bytes) -> bool:
        """Whether all non-ASCII letters of some line are UTF-8, and no words of another alphabet in the encoding, as
        some are in those of DOS."""
        text = self.line + block
        end = max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
        if not block or len(text) - end > _LONGEST_LINE:
            end = len(text)
        whole, self.line = text[:end], text[end:]
        return _UTF8_LETTER.search(whole) is not None and any(
            not line.isascii() and is_utf8(line) and not self._is_in_words(line)
            for line in whole.splitlines()
        )

    def _is_in_words(self, line: bytes) -> bool:
        """Whether all non-ASCII letters of a line are, in the encoding, of another alphabet than the Latin one."""
        letters = {each for each in line.decode(self.encoding, "replace") if not each.isascii()}
        return all(each.isalpha() and "LATIN" not in unicodedata.name(each, "LATIN") for each in letters)

    def _other_letters(self, found: str, raw: bytes) -> FileFault:
        begun = b"" if raw.startswith(self.head) else self.head[: self.head.rfind(b"\n") + 1]
        return csv_fault(self.name, found, guessed_encoding(begun + raw).advice)

    def _compare(self, raw: bytes) -> None:
        """Refuse the first block with letters if they are certainly those of another encoding."""
        if self.is_compared or not self.in_doubt or raw.isascii():
            return
        self.is_compared = True
        if (better := better_encoding(raw, self.encoding)) is not None:
            found = f"letters that are no usual ones in {self.encoding}"
            raise csv_fault(self.name, found, better.advice)

    def _utf8_fault(self) -> FileFault:
        if parts := self.in_two_encodings():
            return mixed_fault(self.name, parts)
        return csv_fault(
            self.name,
            f"UTF-8, which read as {self.encoding} has two or three letters for one",
            "Read files that are UTF-8 by a read_csv without encoding, whose pattern fits them alone.",
        )


def marked_or_wide(head: bytes) -> str:
    """The encoding given by a byte order mark, or by zeros between ASCII letters; empty if neither."""
    return next((name for mark, name in MARKS.items() if head.startswith(mark)), "") or wide_encoding(head)


def wide_encoding(head: bytes) -> str:
    """The encoding of a text without byte order mark whose letters have two or four bytes; empty for any other."""
    for places, name in _ZEROS.items():
        width = len(places)
        letters = [head[at : at + width] for at in range(0, _MOST_LETTERS * width, width)]
        zeros = [
            "".join("1" if byte == 0 else "0" for byte in each) for each in letters if len(each) == width
        ]
        if len(zeros) >= _FEWEST_LETTERS and zeros.count(places) > len(zeros) / 2:
            return name
    return ""


def _begins_as_utf8(line: bytes) -> bool:
    """Whether the start of a line has non-ASCII letters, all of them UTF-8."""
    try:
        return not codecs.getincrementaldecoder("utf-8")().decode(line).isascii()
    except UnicodeDecodeError:
        return False
