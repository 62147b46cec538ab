"""OtherFormat: the real format of a file delivered as CSV, recognised by its first bytes."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

_UNPACK = "Unpack it, or compress it by gzip once, and deliver that."
_EXPORT = "Write it as Parquet or CSV, and deliver that."


@dataclass(frozen=True)
class OtherFormat:
    """The real format of a file, and advice about it."""

    what: str
    advice: str


def other_format(head: bytes, encoding: str | None = None) -> OtherFormat | None:
    """The format of a file by its first few hundred bytes; None if it may be text in the named encoding."""
    head = head[:512]
    for start, other in _BEGINNINGS.items():
        if head.startswith(start):
            return other
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return OtherFormat("an archive of tar", "Unpack it, and deliver the files that it holds.")
    if (
        not encoding
        and len(head) >= _ENOUGH
        and sum(byte in _EBCDIC for byte in head) >= _EBCDIC_SHARE * len(head)
    ):
        return OtherFormat(
            "text in EBCDIC, as mainframes write it",
            "Name its code page in the source's SQL, as in read_csv('…', encoding = 'cp037'), or deliver UTF-8.",
        )
    marked = head.startswith(
        (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    )  # that of UTF-32 begins with one of these
    if not encoding and not marked and len(_CONTROLS.intersection(head)) >= _OF_NO_TEXT:
        return OtherFormat(
            "binary data, not text",
            "Deliver the table itself as CSV or Parquet; if this is UTF-16 without a byte order mark, name it in the "
            "source's SQL, as in read_csv('…', encoding = 'utf-16-le').",
        )
    return None


_CONTROLS = frozenset(range(0x20)).difference(b"\t\n\v\f\r\x1a\x1b")
_OF_NO_TEXT = 8
"""Number of different control characters that no text has: exports use at most a few of them, to separate values."""
_TAR_AT = 257
_ENOUGH = 16
_EBCDIC_SHARE = 0.95
_EBCDIC = frozenset(
    "\r\n\x85 .,;:-_/'\"|+()0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".encode("cp037")
)
"""Bytes of plain text in EBCDIC; in other encodings most are accented letters, and none is a digit or a line end."""
_BEGINNINGS = {
    b"PAR1": OtherFormat("a Parquet file", "Read it with read_parquet, or deliver CSV."),
    b"PK\x03\x04": OtherFormat(
        "a ZIP archive, as workbooks of Excel are",
        "Unpack it, or save the workbook as CSV, and deliver that.",
    ),
    b"\xd0\xcf\x11\xe0": OtherFormat("a workbook of an old Excel", "Save it as CSV, and deliver that."),
    b"\x1f\x8b": OtherFormat("a gzip file", _UNPACK),
    b"BZh9": OtherFormat("a file compressed by bzip2", _UNPACK),
    b"\xfd7zX": OtherFormat("a file compressed by xz", _UNPACK),
    b"\x28\xb5\x2f\xfd": OtherFormat("a file compressed by Zstandard", _UNPACK),
    b"\x04\x22\x4d\x18": OtherFormat("a file compressed by LZ4", _UNPACK),
    b"7z\xbc\xaf": OtherFormat("an archive of 7-Zip", _UNPACK),
    b"Rar!": OtherFormat("an archive of RAR", "Unpack it, and deliver the files that it holds."),
    b"SQLite format 3\x00": OtherFormat(
        "a database of SQLite", "Export its tables as CSV, and deliver these."
    ),
    b"Obj\x01": OtherFormat("a file of Avro", _EXPORT),
    b"ORC\x0a": OtherFormat("a file of ORC", _EXPORT),
    b"ORC\x00": OtherFormat("a file of ORC", _EXPORT),
    b"ARROW1\x00\x00": OtherFormat("a file of Arrow", _EXPORT),
    b"\xff\xff\xff\xff": OtherFormat("a stream of Arrow", _EXPORT),
    b"\x89HDF": OtherFormat("a file of HDF5", _EXPORT),
    b"%PDF": OtherFormat("a PDF", "Export the table that it shows as CSV, and deliver that."),
    b"<!DOCTYPE": OtherFormat(
        "a page of HTML, as a server answers an error with", "Deliver the export itself."
    ),
    b"<html": OtherFormat("a page of HTML", "Save the table that it shows as CSV, and deliver that."),
    b"<?xml": OtherFormat("XML", "Write it as CSV, and deliver that."),
}
"""First bytes of files that are no CSV → their format."""
