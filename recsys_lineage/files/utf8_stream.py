"""Text files of any encoding, read as UTF-8."""

from __future__ import annotations

import codecs

from recsys_lineage.files.fault import csv_fault
from recsys_lineage.files.source_bytes import SourceBytes

_SINGLE_BYTE = ("cp125", "cp85", "cp437", "iso8859", "latin", "koi8", "mac-")


class Utf8Stream:
    """Reads a byte stream as UTF-8 without byte order mark.

    Bytes that are UTF-8 by name or by default pass unchecked, so that a stray byte can be blamed on its row. Any
    other encoding, by name or by UTF-16's byte order mark, is decoded strictly. An encoding of one byte a letter reads
    anything, UTF-8 as other letters; such a file is a fault.
    """

    def __init__(self, stream: SourceBytes, name: str, encoding: str | None) -> None:
        self.stream = stream
        self.name = name
        self.start = stream.read(4)
        given = codecs.lookup(encoding).name if encoding else None
        if given is None and self.start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            given = "utf-16"
        if given in (None, "utf-8", "utf-8-sig", "ascii"):
            self.start = self.start.removeprefix(codecs.BOM_UTF8)
            self.decoder = None
        else:
            assert given is not None
            self.encoding = given
            self.doubt = codecs.getincrementaldecoder("utf-8")() if given.startswith(_SINGLE_BYTE) else None
            self.decoder = codecs.getincrementaldecoder(given)()

    def read(self, size: int) -> bytes:
        """At least one byte and about `size` of them, or nothing at the end.

        Raises:
            FileFault: the bytes are not in the encoding, or are UTF-8 where one of one byte a letter is named.
        """
        while True:
            raw = self.start + self.stream.read(size)
            self.start = b""
            if self.decoder is None:
                return raw
            if self._is_utf8(raw):
                raise csv_fault(
                    self.name,
                    f"UTF-8, which read as {self.encoding} has two or three letters for one",
                    "Read files that are UTF-8 by a read_csv without encoding, whose pattern fits them alone.",
                )
            try:
                text = self.decoder.decode(raw, final=not raw)
            except UnicodeError as error:
                raise csv_fault(
                    self.name,
                    f"bytes that are no {self.encoding} text ({error})",
                    "Name the encoding that it is in.",
                ) from None
            text = text.removeprefix("\ufeff") if raw else text
            if text or not raw:
                return text.encode()

    def _is_utf8(self, block: bytes) -> bool:
        """Whether letters beyond ASCII begin as UTF-8, which text of one byte a letter never does."""
        if self.doubt is None:
            return False
        try:
            return not self.doubt.decode(block, final=not block).isascii()
        except UnicodeDecodeError:
            self.doubt = None
            return False
