"""TextEncoding: the encoding of a text without a byte order mark, detected by decoding it in each candidate."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

_WESTERN = "cp1252"
_BETTER = 0.1
"""Lead in fit, as a share, that another encoding needs over that of Western Europe."""
_ENOUGH = 16 << 10
"""Number of bytes of lines with non-ASCII letters that are enough."""
_FEWEST_LETTERS, _UNUSUAL, _USUAL = 20, 0.35, 0.65
"""The fewest letters that make a named encoding certainly wrong, its largest fit then, and the least one of another."""
_NEAR, _CAPITAL, _ALL_CAPITALS = 0.2, 0.15, 0.6
"""Difference in fit of two encodings of Cyrillic up to which the rarity of all their letters decides, which says more
of a few words, how much rarer a capital is, and how much rarer a whole text in capitals."""
_FEWEST_PAIRS, _IN_PAIRS = 4, 0.5
"""The fewest different pairs of letters that tell an alphabet from characters of two bytes, and the factor for the fit
of these."""
_FITTING = 0.55
"""Share of the non-ASCII letters that must be frequent ones."""
_WORD = re.compile(r"\w[\w\u2019'-]*")
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_MOST_WORDS = 3


@dataclass(frozen=True)
class TextEncoding:
    """An encoding of texts.

    Attributes:
        name: as `read_csv` takes it.
        letters: whose letters it has, in words.
        is_likely: whether the letters of the text are usual ones in it; else no known encoding gives usual ones.
        words: a few words of the text with non-ASCII letters.
    """

    name: str
    letters: str
    is_likely: bool
    words: tuple[str, ...] = ()

    @property
    def advice(self) -> str:
        """Advice to name it in the source's SQL, without any words of the text."""
        likely = (
            "It looks like"
            if self.is_likely
            else "No encoding that is known here fits its letters; it may be"
        )
        return (
            f"{likely} {self.name} ({self.letters}): name the encoding in the source's SQL, as in "
            f"read_csv('…', encoding = '{self.name}')."
        )


def guessed_encoding(head: bytes) -> TextEncoding:
    """The most plausible encoding of a text that is not UTF-8, by its usual letters; Western European in doubt.

    Each candidate decodes the bytes strictly. Letters of another alphabet next to ASCII letters count as unlikely,
    which distinguishes an accent in a Western word from half of an East Asian character. So do signs within a word.
    """
    telling = b"\n".join(line for line in head.splitlines() if not line.isascii())[:_ENOUGH]
    fits = {name: _fit(telling, name, usual) for name, (_, usual) in _CANDIDATES.items()}
    if _are_of_one_alphabet(telling):
        fits |= {name: fits[name] * _IN_PAIRS for name in _OF_TWO_BYTES}
    best = max(fits, key=lambda name: fits[name])
    if fits[best] < max(_FITTING, fits[_WESTERN] + _BETTER):
        best = _WESTERN
    elif best in _OF_CYRILLIC:
        near = [name for name in _OF_CYRILLIC if fits.get(name, -1.0) >= fits[best] - _NEAR]
        best = max(near, key=lambda name: fits[name] - _rarity(telling, name))
    text = telling.decode(best, "replace")
    words = dict.fromkeys(word for word in _WORD.findall(text) if not word.isascii())
    return TextEncoding(best, _CANDIDATES[best][0], fits[best] >= _FITTING, (*words,)[:_MOST_WORDS])


def _are_of_one_alphabet(telling: bytes) -> bool:
    """Whether all bytes of letters are within 32 places, as those of an alphabet's capitals, or of its small letters,
    are: the two bytes of East Asian characters are spread over nearly all places."""
    words = re.findall(rb"[\x80-\xff]+", telling)
    pairs = {word[at : at + 2] for word in words for at in range(0, len(word), 2)}
    foreign = b"".join(words)
    return len(pairs) >= _FEWEST_PAIRS and max(foreign) - min(foreign) < 32


def better_encoding(head: bytes, named: str) -> TextEncoding | None:
    """The encoding of a text that is certainly in other letters than those of the named one; None if it may be right.

    Args:
        head: bytes of the text.
        named: an encoding of one byte a letter, which decodes nearly all bytes, by Python's name.
    """
    telling = b"\n".join(line for line in head.splitlines() if not line.isascii())[:_ENOUGH]
    if named not in (*_CANDIDATES, *_LIKE_THEM) or sum(byte > 0x7F for byte in telling) < _FEWEST_LETTERS:
        return None
    best = guessed_encoding(head)
    if _fit(telling, best.name, _CANDIDATES[best.name][1]) < _USUAL:
        return None
    fits = max(_fit(telling, named, usual) for _, usual in _CANDIDATES.values())
    return best if fits <= _UNUSUAL or _exchanges_letters(telling, named, best.name) else None


def _exchanges_letters(telling: bytes, named: str, best: str) -> bool:
    """Whether a text in one encoding of Cyrillic was certainly named another one, which has the same letters in other
    places, so that rare letters and signs stand for frequent ones."""
    if {named, best} - {*_OF_CYRILLIC}:
        return False
    right, wrong = (
        sum(map(_rank, "".join({*_FOREIGN.findall(telling.decode(each, "replace"))})))
        for each in (best, named)
    )
    return wrong - right >= _RARER_BY


def _rarity(telling: bytes, name: str) -> float:
    """Rarity of the letters of a Cyrillic text in an encoding, from 0 to about 1; capitals are rarer."""
    letters = "".join(_FOREIGN.findall(telling.decode(name, "replace")))
    capitals = sum(map(str.isupper, letters))
    rarer = _CAPITAL * capitals
    if capitals == len(letters):
        rarer = min(rarer, _ALL_CAPITALS)
    return (sum(map(_rank, letters)) / len(_BY_FREQUENCY) + rarer) / max(1, len(letters))


def _rank(letter: str) -> int:
    """Rank of a letter of Cyrillic by its frequency, 0 the most frequent; a large one for other signs."""
    place = _BY_FREQUENCY.find(letter.lower())
    return place if place >= 0 else len(_BY_FREQUENCY)


def _fit(head: bytes, name: str, usual: Callable[[str], float]) -> float:
    """The mean frequency score of the non-ASCII letters, from 0 to 1; below 0 if the bytes are no such text."""
    try:
        text = codecs.getincrementaldecoder(name)().decode(head)
    except UnicodeDecodeError:
        return -1.0
    found: Counter[tuple[str, float]] = Counter()
    for before, letter, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        if not letter.isascii():
            found[letter, _fits_context(before, letter, after)] += 1
    return sum(usual(letter) * times * fits for (letter, fits), times in found.items()) / max(
        1, found.total()
    )


_ALONE, _NEXT_TO_ONE, _ELSEWHERE = 1.0, 0.6, 0.25
"""Scores of letters among ASCII letters, of those next to an accent or a digit or as a word, and of unlikely ones."""


def _fits_context(before: str, letter: str, after: str) -> float:
    """Score of a letter by its neighbours: accents among ASCII letters, other alphabets among themselves."""
    if letter.isupper() and before.isalpha() and (before.islower() or after.islower()):
        return _ELSEWHERE
    if letter >= _EAST_ASIA:
        return _ALONE
    neighbours = [each for each in (before, after) if each.isalpha()]
    others = sum(not each.isascii() for each in neighbours)
    if unicodedata.category(letter) == "Sc" and neighbours:
        return _ELSEWHERE
    if unicodedata.category(letter)[0] not in "LM":
        return _ALONE if len(neighbours) < 2 or letter == _APOSTROPHE else _ELSEWHERE
    if before.isdigit() or after.isdigit():
        return _NEXT_TO_ONE if neighbours else _ELSEWHERE
    if unicodedata.name(letter, "").startswith("LATIN"):
        return (_ALONE if neighbours else _NEXT_TO_ONE, _NEXT_TO_ONE, _ELSEWHERE)[others]
    return _ALONE if neighbours and others == len(neighbours) else _ELSEWHERE


_APOSTROPHE = "\u2019"
_SIGNS = "\xa0«»“”„‘’–—…•°€£¥№™®©½¼¾²³¿¡×±·§µªº´"  # noqa: RUF001 - what texts have
_SIGN = 0.6
"""Signs of texts in every language, and their score."""
_RARE, _RARELY = "ëîïôõúùûìòœÿ", 0.85
"""Letters that are rare in every language of Western Europe, and their score, which decides between equal texts."""


def _of(letters: str, script: str) -> Callable[[str], float]:
    """Frequency score of a letter in an alphabet: one of `letters`, else one of its script, else a sign of any text."""

    def usual(letter: str) -> float:
        if letter.lower() in letters:
            return _RARELY if letter.lower() in _RARE else 1.0
        if script and script in unicodedata.name(letter, ""):
            return 0.4
        return 1.0 if letter == _APOSTROPHE else _SIGN if letter in _SIGNS else 0.0

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
_WEST = _of("äöüßéèêëàâáåãçíìîïñóòôõøúùûæœ", "")
_CENTRE = _of("ąćęłńóśźżáčďéěíňřšťúůýžőűäöüß", "")
_TURKISH = _of("çğıöşüâîİ", "")
_GREEK = _of("αοιετσςνηυρπκάίό", "GREEK")
_EAST_ASIA = "\u2e80"
"""The first character of the scripts of East Asia."""
_CANDIDATES: dict[str, tuple[str, Callable[[str], float]]] = {
    _WESTERN: ("Western Europe", _WEST),
    "mac-roman": ("Western Europe, of a Macintosh", _WEST),
    "cp850": ("Western Europe, of DOS", _WEST),
    "cp1254": ("Turkish", _TURKISH),
    "cp1250": ("Central Europe", _CENTRE),
    "iso8859-2": ("Central Europe, ISO", _CENTRE),
    "cp852": ("Central Europe, of DOS", _CENTRE),
    "mac-latin2": ("Central Europe, of a Macintosh", _CENTRE),
    "cp1251": ("Cyrillic", _CYRILLIC),
    "koi8-r": ("Cyrillic", _CYRILLIC),
    "cp866": ("Cyrillic, of DOS", _CYRILLIC),
    "mac-cyrillic": ("Cyrillic, of a Macintosh", _CYRILLIC),
    "iso8859-5": ("Cyrillic, ISO", _CYRILLIC),
    "cp1253": ("Greek", _GREEK),
    "cp737": ("Greek, of DOS", _GREEK),
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
_LIKE_THEM = ("iso8859-1", "iso8859-15", "cp437", "koi8-u")
"""Other encodings that may be named: of Western Europe and of Cyrillic."""
_OF_TWO_BYTES = ("cp949", "gb18030", "big5", "cp932", "euc_jp")
_OF_CYRILLIC = ("cp1251", "koi8-r", "koi8-u", "cp866", "mac-cyrillic", "iso8859-5")
_BY_FREQUENCY = "оеаинтсрвлкмдпуяыьігзбчйхжшюцщєїэфъёґў"
_RARER_BY = 200
"""Sum of the differences in rank that makes a reading certainly wrong: a letter ten ranks on is e times as rare, so the
other reading is e to the 20th times as likely."""
