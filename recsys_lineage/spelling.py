"""Spelling: names that can be spelled in several ways, or that only look the same."""

from __future__ import annotations

from unicodedata import name as unicode_name
from unicodedata import normalize


def folded(name: str) -> str:
    """The canonical form of a name's spellings: any case, and accents encoded either way (NFC, NFD)."""
    return name.casefold() if name.isascii() else normalize("NFC", normalize("NFC", name).casefold())


def unlike_letters(name: str, other: str) -> str:
    """The difference between two names that may look the same, in parentheses; empty if it is visible.

    It is invisible if accents are encoded in another way, or if each differing letter comes from another alphabet or is
    another kind of blank. Names that differ only in case are equal.
    """
    if name.casefold() == other.casefold() or (name.isascii() and other.isascii()):
        return ""
    one, two = folded(name), folded(other)
    if one == two:
        return " (the same letters, but of one of the two the accents are signs of their own)"
    if len(one) != len(two):
        return ""
    differing = [
        (place, *pair) for place, pair in enumerate(zip(one, two, strict=True), start=1) if len({*pair}) > 1
    ]
    if any(_alphabet(own) == _alphabet(meant) for _, own, meant in differing):
        return ""
    differences = (
        f"character {place} is {_in_words(meant)}, not {_in_words(own)}" for place, own, meant in differing
    )
    return f" ({'; '.join(differences)})"


def _alphabet(letter: str) -> str:
    """LATIN, CYRILLIC and the like; for a character that is no letter, its name."""
    called = unicode_name(letter, letter)
    return called.partition(" ")[0] if letter.isalpha() else called


def _in_words(letter: str) -> str:
    return f"U+{ord(letter):04X} {unicode_name(letter, '')}".rstrip()
