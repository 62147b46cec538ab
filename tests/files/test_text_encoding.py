"""In which letters a text without a mark is written is told by what it says, from a few words on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.files.csv.text_encoding import guessed_encoding
from recsys_lineage.files.csv.utf8_stream import marked_or_wide
from tests.examples import examples

_WESTERN = "Käse Crème brûlée Jamón ibérico Smørrebrød Straße São ação Müller DÉJÀ VU Ça va"
_CENTRAL = "Łódź śliwka pączki Žluťoučký kůň příliš"
_CYRILLIC = "Зелёный чай латте Мужская рубашка ЧАЙ"
_GREEK = "Πράσινο τσάι Πουκάμισο ανδρικό"
_JAPANESE = "抹茶ラテ とても美味しい シャツ 白 Mサイズ ノートパソコン"
WORDS = {
    "cp1252": f"{_WESTERN} ½ Tee für 10 €",
    **dict.fromkeys(("cp850", "mac-roman"), _WESTERN),
    **dict.fromkeys(("cp1250", "iso8859-2", "cp852", "mac-latin2"), _CENTRAL),
    "cp1254": "Şeker çay ığdır İstanbul gömleği kırmızı",  # noqa: RUF001
    **dict.fromkeys(("cp1251", "koi8-r", "cp866", "mac-cyrillic", "iso8859-5"), _CYRILLIC),
    **dict.fromkeys(("cp1253", "cp737"), _GREEK),
    "cp1255": "תה ירוק חולצה לגבר",
    "cp1256": "قميص رجالي شاي أخضر الشاي مع الحليب",
    "cp874": "ชาเขียว เสื้อเชิ้ตผู้ชาย",
    "cp949": "녹차 라떼 커피 원두 남성용 면 셔츠 무선 이어폰",
    "gb18030": "绿茶拿铁咖啡豆 新鲜烘焙 男士纯棉短袖衬衫 无线蓝牙耳机",
    "big5": "綠茶拿鐵咖啡豆 新鮮烘焙 男士純棉短袖襯衫 無線藍牙耳機",
    **dict.fromkeys(("cp932", "euc_jp"), _JAPANESE),
}


@settings(max_examples=examples(60), deadline=None)
@given(st.sampled_from(sorted(WORDS)), st.randoms(use_true_random=False))
def test_a_few_lines_of_a_shop_tell_their_encoding(encoding: str, draw: object) -> None:
    words = WORDS[encoding].split()
    draw.shuffle(words)  # pyright: ignore[reportAttributeAccessIssue]
    head = "id,title,price\n" + "".join(f"{n},{word},9.99\n" for n, word in enumerate(words))
    assert guessed_encoding(head.encode(encoding)).name == encoding


@given(st.binary(max_size=200))
def test_any_bytes_get_an_encoding(head: bytes) -> None:
    assert guessed_encoding(head).name in WORDS


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_letters_of_several_bytes_are_told_with_and_without_a_mark(encoding: str, mark: str) -> None:
    assert marked_or_wide((mark + "order,día,müller\n1,2,é\n").encode(encoding)) == encoding
    assert not marked_or_wide(b"order,day\n1,2\n")


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "mac-roman"])
@pytest.mark.parametrize(
    "words",
    ["Käse Müller Straße Öl", "Crème brûlée déjà garçon Noël", "Jamón niño año ¿qué café", "São ação pão você",
     "caffè perché più città", "Smörgås blå ärta Åsa", "Smørrebrød blå æble", "Café"],
)  # fmt: skip
def test_the_letters_of_one_language_are_read_whatever_machine_wrote_them(words: str, encoding: str) -> None:
    text = "id,title,price\n" + "".join(f"{n},{word},9.99\n" for n, word in enumerate(words.split()))
    guess = guessed_encoding(text.encode(encoding))
    assert text.encode(encoding).decode(guess.name) == text
    assert guess.is_likely and guess.words[0] in words


def test_letters_that_no_encoding_makes_usual_are_said_to_be_in_doubt() -> None:
    guess = guessed_encoding(b"id,title\n1,\x9d\xa4\xb3x\n2,a\xa6\xbdb\n")
    assert not guess.is_likely
    assert "No encoding that is known here fits" in guess.advice


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "mac-roman"])
def test_a_number_after_an_accent_is_usual(encoding: str) -> None:
    guess = guessed_encoding("item,title\n1,Menü3\n2,Café7\n3,Menü12\n".encode(encoding))
    assert (guess.name, guess.is_likely) == (encoding, True)


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "cp866", "iso8859-5"])
@pytest.mark.parametrize(
    "words",
    [
        "чай",
        "Код Цена Количество",
        "Samsung чехол USB кабель 2м",
        "ЧАЙ КРУЖКА ЛОЖКА ТАРЕЛКА",
        "Иван Анна Пётр",
    ],
)
def test_a_few_words_of_cyrillic_tell_which_one_it_is(words: str, encoding: str) -> None:
    text = "id;title\n" + "".join(f"{n};{word}\n" for n, word in enumerate(words.split()))
    assert guessed_encoding(text.encode(encoding)).name == encoding


_CAPITALS = (
    "ТОВАР МОЛОКО ХЛЕБ СЫР КОНФЕТЫ МАСЛО САХАР СОЛЬ",  # noqa: RUF001 - Cyrillic
    "МОЛОКО КОНФЕТЫ ХЛЕБ МАСЛА ВИНО РЫБА",
)


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "cp866", "iso8859-5"])
@pytest.mark.parametrize("words", [*_CAPITALS, *map(str.lower, _CAPITALS)])
def test_letters_of_one_alphabet_are_no_characters_of_two_bytes(words: str, encoding: str) -> None:
    """Two capitals of an alphabet have the bytes of a character of East Asia."""
    text = "id,title,price\n" + "".join(f"{n},{word},9.99\n" for n, word in enumerate(words.split()))
    assert text.encode(encoding).decode(guessed_encoding(text.encode(encoding)).name) == text


def test_capitals_of_greek_are_read() -> None:
    words = "ΚΑΦΕΣ ΓΑΛΑ ΨΩΜΙ ΤΥΡΙ ΝΕΡΟ ΖΑΧΑΡΗ"  # noqa: RUF001 - Greek
    assert guessed_encoding("\n".join(words.split()).encode("cp1253")).name == "cp1253"
