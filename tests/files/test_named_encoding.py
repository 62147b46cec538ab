"""A file in other letters than its source says is a fault that names the likely ones, and these read it right."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from recsys_lineage.files.csv.csv_dialect import CsvDialect
from recsys_lineage.files.csv.text_encoding import guessed_encoding
from recsys_lineage.files.fault import FileFault
from tests.files.csv_content import read, rows

WORDS = {
    "cp1252": ["Käse", "Müller", "Straße"],
    "mac-roman": ["Crème", "brûlée", "garçon"],
    "cp850": ["Käse", "Müller", "Hélène"],
    "cp852": ["Żółty", "śliwka", "pączki"],
    "cp1251": ["Зелёный", "чай", "рубашка"],
    "cp932": ["抹茶ラテ", "とても", "シャツ"],
}


@pytest.mark.parametrize("encoding", WORDS)
@pytest.mark.parametrize("named", [None, "latin-1", "cp1252", "koi8-r"])
@pytest.mark.parametrize("header", ["id,title", "id,{}"])
def test_the_fault_names_an_encoding_that_reads_the_file(
    tmp_path: Path, encoding: str, named: str | None, header: str
) -> None:
    words = WORDS[encoding]
    text = (
        header.format("/".join(words)) + "\n" + "".join(f"{n},{word}\n" for n, word in enumerate(words * 30))
    )
    content = text.encode(encoding)
    try:
        found = read(tmp_path, content, CsvDialect(encoding=named))
    except FileFault as fault:
        guess = re.search("encoding = '(.*)'", str(fault))
        assert guess is not None
        assert not any(word in str(fault) for word in words), "no value of the file is in the message"
        found = read(tmp_path, content, CsvDialect(encoding=guess[1]))
        assert [word for _, word, _ in rows(found)] == words * 30
    else:
        assert named is not None, "what is not UTF-8 is never read as such"
        assert [word for _, word, _ in rows(found)] == words * 30 or (named, encoding) == ("koi8-r", "cp1251")


@pytest.mark.parametrize("named", ["latin-1", "iso8859-15", "iso8859-2"])
def test_control_characters_are_letters_of_another_encoding(tmp_path: Path, named: str) -> None:
    for encoding in ("cp850", "mac-roman", "cp1252"):
        word = "Preis in €" if encoding == "cp1252" else "Müller"
        with pytest.raises(
            FileFault, match=f"which is no letter in {CsvDialect(encoding=named).encoding}|iso"
        ):
            read(tmp_path, f"id,title\n1,{word}\n".encode(encoding), CsvDialect(encoding=named))


RUSSIAN = (
    "Зелёный чайник латте Мужская рубашка Кружка синяя большая Кофе молотый Ноутбук игровой Стул деревянный Лампа "
    "настольная Полотенце махровое Чайник электрический"
)
_OF_CYRILLIC = ("cp1251", "koi8-r", "cp866", "iso8859-5")


@pytest.mark.parametrize("case", [str.title, str.lower, str.upper])
@pytest.mark.parametrize("named", _OF_CYRILLIC)
@pytest.mark.parametrize("encoding", _OF_CYRILLIC)
def test_encodings_of_the_same_letters_are_told_apart(
    tmp_path: Path, encoding: str, named: str, case: Callable[[str], str]
) -> None:
    words = case(RUSSIAN).split()
    content = ("id,title\n" + "".join(f"{n},{word}\n" for n, word in enumerate(words))).encode(encoding)
    if named == encoding:
        found = read(tmp_path, content, CsvDialect(encoding=named))
        assert [word for _, word, _ in rows(found)] == words
    else:
        with pytest.raises(FileFault, match=f"encoding = '{encoding}'"):
            read(tmp_path, content, CsvDialect(encoding=named))


@pytest.mark.parametrize("named", _OF_CYRILLIC)
@pytest.mark.parametrize(
    "words", ["Чоловіча сорочка Чашка синя велика Кава мелена", "ЩУКА ФОРЕЛЬ", "МЮСЛИ ЦЕЛЬНЫЕ"]
)
def test_a_few_words_in_the_encoding_that_is_named_are_read(tmp_path: Path, words: str, named: str) -> None:
    if named in ("koi8-r", "cp866") and "Чоловіча" in words:
        return  # these have no such letter
    content = ("id,title\n" + "".join(f"{n},{word}\n" for n, word in enumerate(words.split()))).encode(named)
    assert [word for _, word, _ in rows(read(tmp_path, content, CsvDialect(encoding=named)))] == words.split()


def test_a_sign_of_money_is_no_letter_of_a_word() -> None:
    text = "зелёный чай латте мужская рубашка кружка синяя большая кофе молотый"
    assert guessed_encoding(text.encode("cp1251")).name == "cp1251"


@pytest.mark.parametrize(("encoding", "word"), [("cp866", "чай"), ("cp737", "άλας")])
def test_a_word_whose_bytes_could_be_utf_8_is_read_in_the_encoding_that_is_named(
    tmp_path: Path, encoding: str, word: str
) -> None:
    content = f"id,title\n1,{word}\n2,{word}\n".encode(encoding)
    assert [each for _, each, _ in rows(read(tmp_path, content, CsvDialect(encoding=encoding)))] == [word] * 2
