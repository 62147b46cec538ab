"""TextEncoding: the encoding of a text without a byte order mark, detected by decoding it in each candidate."""

from __future__ import annotations

import codecs
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from recsys_lineage.files.csv.utf8_stream import wide_encoding

_WIDE_MARKS = {codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be"}
MARKS = _WIDE_MARKS | {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""Byte order mark → encoding; a longer mark comes before its prefixes."""
_WESTERN = "cp1252"
_BETTER = 0.1
"""Lead in fit, as a share, that another encoding needs over that of Western Europe."""
_ENOUGH = 16 << 10
"""Number of bytes of lines with non-ASCII letters that are enough."""
_FITTING = 0.55
"""Share of the non-ASCII letters that must be frequent ones."""


@dataclass(frozen=True)
class TextEncoding:
    """An encoding by the names of Python and of DuckDB's `read_csv`, with a word for its letters."""

    name: str
    letters: str


def marked_or_wide(head: bytes) -> str:
    """The encoding given by a byte order mark, or by zeros between ASCII letters; empty if neither."""
    return next((name for mark, name in MARKS.items() if head.startswith(mark)), "") or wide_encoding(head)


def guessed_encoding(head: bytes) -> TextEncoding:
    """The most plausible encoding of a text that is not UTF-8, by its usual letters; Western European in doubt.

    Each candidate decodes the bytes strictly. Letters of another alphabet next to ASCII letters count as unlikely,
    which distinguishes an accent in a Western word from half of an East Asian character.
    """
    telling = b"\n".join(line for line in head.splitlines() if not line.isascii())[:_ENOUGH]
    fits = {name: _fit(telling, name, usual) for name, (_, usual) in _CANDIDATES.items()}
    best = max(fits, key=lambda name: fits[name])
    if fits[best] < max(_FITTING, fits[_WESTERN] + _BETTER):
        best = _WESTERN
    return TextEncoding(best, _CANDIDATES[best][0])


def _fit(head: bytes, name: str, usual: Callable[[str], float]) -> float:
    """The mean frequency score of the non-ASCII letters, from 0 to 1; below 0 if the bytes are no such text."""
    try:
        text = codecs.getincrementaldecoder(name)().decode(head)
    except UnicodeDecodeError:
        return -1.0
    found: Counter[tuple[str, bool]] = Counter()
    for before, letter, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        if not letter.isascii():
            found[letter, _fits_context(before, letter, after, name)] += 1
    fits = sum(usual(letter) * times * (1.0 if well else 0.3) for (letter, well), times in found.items())
    return fits / max(1, found.total())


def _fits_context(before: str, letter: str, after: str, name: str) -> bool:
    """Whether a letter has neighbours of its kind: accents among ASCII letters, other alphabets among themselves."""
    if letter.isupper() and before.islower():
        return False
    neighbours = [each for each in (before, after) if each.isalpha()]
    if name in _LATIN:
        return all(each.isascii() for each in neighbours)
    return name in _EAST_ASIA or (bool(neighbours) and not any(each.isascii() for each in neighbours))


def _of(letters: str, script: str) -> Callable[[str], float]:
    """Frequency score of a letter in an alphabet: one of `letters`, else one of its script, else a sign of any text."""

    def usual(letter: str) -> float:
        if letter.lower() in letters:
            return 1.0
        if script in unicodedata.name(letter, ""):
            return 0.4
        return 0.5 if letter in "«»“”„‘’–—…°€№™®©½²" else 0.0  # noqa: RUF001 - what texts have

    return usual


def _in_rows(codec: str, first: int, last: int) -> Callable[[str], float]:
    """Frequency score of an East Asian character: the rows of its standard with the common ones, by their lead byte."""

    def usual(letter: str) -> float:
        if "\u3000" <= letter <= "\u303f" or "\uff01" <= letter <= "\uff5e":
            return 1.0
        if "\u3040" <= letter <= "\u30ff":
            return 0.0
        code = letter.encode(codec, "ignore")
        return 1.0 if len(code) == 2 and first <= code[0] <= last else 0.2

    return usual


def _japanese(letter: str) -> float:
    """Frequency score of a Japanese character: 1 for kana, half for common Chinese characters, which Chinese texts have
    too."""
    if "\u3000" <= letter <= "\u30ff" or "\uff01" <= letter <= "\uff5e":
        return 1.0
    code = letter.encode("euc_jp", "ignore")
    return 0.6 if len(code) == 2 and 0xB0 <= code[0] <= 0xCF else 0.0


_CYRILLIC = _of("оеаинтсрвлкй", "CYRILLIC")
_LATIN = ("cp1252", "cp1254", "cp1250")
_EAST_ASIA = ("cp949", "gb18030", "big5", "cp932", "euc_jp")
_CANDIDATES: dict[str, tuple[str, Callable[[str], float]]] = {
    _WESTERN: ("Western Europe", _of("äöüßéèêëàâáåãçíìîïñóòôõøúùûæœ", "-")),
    "cp1254": ("Turkish", _of("çğıöşüâîİ", "-")),
    "cp1250": ("Central Europe", _of("ąćęłńóśźżáčďéěíňřšťúůýžőűäöüß", "-")),
    "cp1251": ("Cyrillic", _CYRILLIC),
    "koi8-r": ("Cyrillic", _CYRILLIC),
    "cp866": ("Cyrillic", _CYRILLIC),
    "cp1253": ("Greek", _of("αοιετσςνηυρπκάίό", "GREEK")),
    "cp1255": ("Hebrew", _of("יוהלאמרתבש", "HEBREW")),
    "cp1256": ("Arabic", _of("الينمروتبة", "ARABIC")),
    "cp874": ("Thai", _of("านรอกเงมยลวดสต่้ิีัุู", "THAI")),
    "cp949": ("Korean", _in_rows("euc_kr", 0xB0, 0xC8)),
    "gb18030": ("Chinese, simplified", _in_rows("gb2312", 0xB0, 0xD7)),
    "big5": ("Chinese, traditional", _in_rows("big5", 0xA4, 0xC6)),
    "cp932": ("Japanese", _japanese),
    "euc_jp": ("Japanese", _japanese),
}
"""Encoding → a word for its letters, and the frequency score of a letter. Of two that fit equally well, the first
counts."""
