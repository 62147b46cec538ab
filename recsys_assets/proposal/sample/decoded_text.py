"""Decoded text: the first bytes of a file as text, its encoding, and doubts about its letters."""

from __future__ import annotations

import codecs
import re

from recsys_lineage.files.csv.mixed_encoding import encoding_parts, in_words
from recsys_lineage.files.csv.text_encoding import guessed_encoding
from recsys_lineage.files.csv.utf8_stream import marked_or_wide


def decoded(head: bytes, *, whole: bool) -> tuple[str, str, tuple[str, ...]]:
    """A file's first bytes as text of whole lines, the encoding, and doubts about it."""
    notes: tuple[str, ...] = ()
    encoding = marked_or_wide(head)
    if not encoding:
        try:
            codecs.getincrementaldecoder("utf-8")().decode(head, final=whole)
            encoding = "utf-8"
            notes = _lost_letters(head)
        except UnicodeDecodeError:
            guess = guessed_encoding(head)
            encoding = guess.name
            doubt = "" if guess.is_likely else "; no encoding that is known here fits its letters"
            notes = (
                f"it is not UTF-8; it was read as {guess.name} ({guess.letters}){doubt}: look at its letters, as in "
                f"{', '.join(guess.words)}; another encoding in the SQL reads it otherwise",
            )
            if parts := in_words(encoding_parts(head.splitlines())):
                encoding = "utf-8"
                notes = (f"it is in two encodings ({parts}); write it in one, or its rows are rejected",)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head).lstrip("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # all that a sample needs to know of them
    lines = text if whole else text[: text.rfind("\n") + 1]
    return lines, encoding, notes


def _lost_letters(head: bytes) -> tuple[str, ...]:
    """Notes on letters that a program before turned to UTF-8 twice, or could not read."""
    text = codecs.getincrementaldecoder("utf-8")().decode(head)
    words = {word for word in re.split(r"[\s,;|\"]+", text) if not word.isascii()}
    twice = {word: once for word in words if (once := _turned_back(word))}
    notes = []
    if 2 * len(twice) > len(words):
        word = min(twice)
        notes.append(
            f"its letters were turned to UTF-8 twice, as {word} for {twice[word]}: export it again, else "
            "they stay so"
        )
    if lost := text.count("\ufffd"):
        notes.append(
            f"it holds {lost:,} signs \ufffd, which stand for letters that were lost before: export it again"
        )
    return tuple(notes)


def _turned_back(word: str) -> str:
    """A word that was turned to UTF-8 twice, as it was before; empty for any other word."""
    try:
        return word.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return ""
