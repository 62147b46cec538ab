"""In which letters a text without a mark is written is told by what it says, from a few words on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.proposal.formats.text_encoding import guessed_encoding, marked_or_wide
from tests.examples import examples

WORDS = {
    "cp1252": "Käse Crème brûlée Jamón ibérico Smørrebrød Straße São ação Müller DÉJÀ VU ½ Tee für 10 € Ça va",
    "cp1250": "Łódź śliwka pączki Žluťoučký kůň příliš",
    "cp1254": "Şeker çay ığdır İstanbul gömleği kırmızı",  # noqa: RUF001
    "cp1251": "Зелёный чай латте Мужская рубашка ЧАЙ",
    "koi8-r": "Зелёный чай латте Мужская рубашка ЧАЙ",
    "cp866": "Зелёный чай латте Мужская рубашка ЧАЙ",
    "cp1253": "Πράσινο τσάι Πουκάμισο ανδρικό",
    "cp1255": "תה ירוק חולצה לגבר",
    "cp1256": "قميص رجالي شاي أخضر الشاي مع الحليب",
    "cp874": "ชาเขียว เสื้อเชิ้ตผู้ชาย",
    "cp949": "녹차 라떼 커피 원두 남성용 면 셔츠 무선 이어폰",
    "gb18030": "绿茶拿铁咖啡豆 新鲜烘焙 男士纯棉短袖衬衫 无线蓝牙耳机",
    "big5": "綠茶拿鐵咖啡豆 新鮮烘焙 男士純棉短袖襯衫 無線藍牙耳機",
    "cp932": "抹茶ラテ とても美味しい シャツ 白 Mサイズ ノートパソコン",
    "euc_jp": "抹茶ラテ とても美味しい シャツ 白 Mサイズ ノートパソコン",
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
