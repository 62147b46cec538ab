"""A file's header that comes again among its rows is no row, in whatever way it is written then."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from unicodedata import normalize

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from recsys_lineage.files.csv import csv_reader
from recsys_lineage.files.csv.csv_dialect import CsvDialect
from recsys_lineage.files.csv.header_row import _OF_NO_ASCII, _OF_ONE_LETTER
from recsys_lineage.files.fault import FileFault
from recsys_lineage.spelling import folded
from tests.examples import examples
from tests.files.csv_content import no_block_is_short, read, rows

__all__ = ["no_block_is_short"]

NAME = st.one_of(
    st.sampled_from(["größe", "Straße", "Prénom", "sku", "Цена", "Товар №", "商品", "が", "İl", "ΟΔΟΣ", "first name"]),
    st.text("aksftiI '\"ß\u017fKﬁéДςが;,\u02bcṅ\u0307", min_size=1, max_size=6),
)  # fmt: skip
AROUND = st.sampled_from(["", "", " ", "\ufeff", "\u00a0", "\u200b", "\t", "'", "\ufeff ", "\u3000"])
WAY = st.sampled_from([
    str, str.upper, str.lower, str.title, str.casefold,
    lambda name: normalize("NFD", name), lambda name: normalize("NFC", name).swapcase(),
    lambda name: name.replace("ss", "ß"), lambda name: name.replace(" ", "\u00a0 "),
    lambda name: name.replace("fi", "ﬁ").replace("s", "\u017f").replace("k", "\u212a"),
])  # fmt: skip


def line(fields: list[str], quoting: Literal[0, 1] = csv.QUOTE_MINIMAL) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=quoting).writerow(fields)
    return text.getvalue()


@settings(deadline=None, max_examples=examples(300))
@example(
    names=["i\u0307", "aa"],
    ways=[(str.upper, "", "")] * 3,
    at=1,
    quoting=csv.QUOTE_MINIMAL,
    block_bytes=1 << 20,
)
@given(
    names=st.lists(NAME, min_size=1, max_size=3),
    ways=st.lists(st.tuples(WAY, AROUND, AROUND), min_size=3, max_size=3),
    at=st.integers(0, 20),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    block_bytes=st.sampled_from([5, 1 << 20]),
)
def test_the_header_again_is_told_and_all_other_lines_are_rows(
    names: list[str],
    ways: list[tuple[Callable[[str], str], str, str]],
    at: int,
    quoting: Literal[0, 1],
    block_bytes: int,
) -> None:
    assume(all(name.strip(" '\"") for name in names) and len({*map(folded, names)}) == len(names))
    again = [
        f"{before}{way(name)}{after}" if folded(way(name)) == folded(name) else name
        for name, (way, before, after) in zip(names, ways, strict=False)
    ]
    others = [  # a header of three columns may lack one
        [f"{name.strip()}x" if (at == place) is (len(names) < 3) else name for at, name in enumerate(again)]
        for place in range(len(names))
    ]
    body = [*others, *([["1"] * len(names)] * 20)]
    lines = [line(record) for record in body]
    lines.insert(at, line(again, quoting))
    with tempfile.TemporaryDirectory() as folder:
        found = read(Path(folder), line(names) + "".join(lines), block_bytes=block_bytes)
    assert [(row.line, row.fault) for row in found.malformed] == [(at + 2, "row is the header again")]
    assert [list(row[:-1]) for row in rows(found)] == body


@pytest.mark.parametrize("block_bytes", [5, 1 << 20])
@pytest.mark.parametrize("quote", ['"', "'", ""])
@pytest.mark.parametrize(
    "again",
    ["Größe,prix", normalize("NFD", "größe") + ", PRIX", "\ufeffGRÖSSE,Prix", "GRÖẞE,\u00a0Prix\u200b"],
)
def test_accents_case_and_blanks_make_no_row_of_a_header(
    tmp_path: Path, again: str, quote: str, block_bytes: int
) -> None:
    text = "größe,prix\n" + "42,prix fixe\n" * 20 + f"{again}\n43,9\n"
    found = read(tmp_path, text, CsvDialect(quote=quote), block_bytes=block_bytes)
    assert found.rows == 21
    assert [row.line for row in found.malformed] == [22]


@pytest.mark.parametrize("block_bytes", [5, 1 << 20])
def test_in_another_order_and_with_other_accents_it_is_a_fault(tmp_path: Path, block_bytes: int) -> None:
    text = "größe,prix\n" + "42,prix fixe\n" * 20 + normalize("NFD", "Prix,Größe\n")
    with pytest.raises(FileFault, match="its header again in another order on line 22"):
        read(tmp_path, text, block_bytes=block_bytes)


@settings(deadline=None, max_examples=examples(100))
@given(
    names=st.lists(
        NAME.filter(lambda name: len(name.strip(" '\"")) > 1), min_size=3, max_size=7, unique_by=folded
    ),
    others=st.integers(0, 2),
    surplus=st.integers(-2, 2),
    way=WAY,
    around=st.tuples(AROUND, AROUND),
    at=st.integers(0, 20),
    block_bytes=st.sampled_from([5, 1 << 20]),
    data=st.data(),
)
def test_a_header_of_other_columns_is_a_fault_unless_it_is_the_header_cut_off(
    names: list[str],
    others: int,
    surplus: int,
    way: Callable[[str], str],
    around: tuple[str, str],
    at: int,
    block_bytes: int,
    data: st.DataObject,
) -> None:
    """At most two names are others, or one of three or four."""
    assume(others + abs(surplus) <= min(2, (len(names) - 1) // 2))
    kept = names[: len(names) - others + min(surplus, 0)]
    columns = data.draw(st.permutations([*kept, *(f"new {n}" for n in range(others + max(surplus, 0)))]))
    assume(columns != names[: len(columns)])
    again = [
        f"{around[0]}{way(name) if folded(way(name)) == folded(name) else name}{around[1]}"
        for name in columns
    ]
    text = line(names) + line(["1"] * len(names)) * at + line(again) + line(["2"] * len(again))
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.raises(FileFault, match=f"header.* on line {at + 2}"),
    ):
        read(Path(folder), text, block_bytes=block_bytes)


@pytest.mark.parametrize("block_bytes", [5, 1 << 20])
@pytest.mark.parametrize(
    ("header", "again"),
    [
        ("u,i,t", "i,u,t"),
        ("u,i,t", '"T", U,i'),
        ("t,u,i,o,q,p", "t,u,o,q,i,discount"),
        ("order_id,sku,quantity,price", "order_id,sku,price,discount"),
        ("order_id,sku,quantity,price", "order_id,sku,quantity,price,discount"),
        ("order_id,sku,quantity,price", "order_id,quantity,price"),
    ],
)
def test_rows_behind_a_header_of_other_columns_are_not_loaded(
    tmp_path: Path, header: str, again: str, block_bytes: int
) -> None:
    rows_before = f"{','.join('1' * len(header.split(',')))}\n" * 20
    with pytest.raises(FileFault, match=r"header.* on line 22"):
        read(tmp_path, f"{header}\n{rows_before}{again}\n", block_bytes=block_bytes)


@pytest.mark.parametrize("block_bytes", [5, 1 << 20])
@pytest.mark.parametrize(
    "again", ["order_id,sku,quantity", "order_id,sku,quantity,price,,", "1,2,3,4order_id,sku,quantity,price"]
)
def test_a_header_that_is_cut_off_or_runs_into_a_row_is_malformed(
    tmp_path: Path, again: str, block_bytes: int
) -> None:
    found = read(
        tmp_path, f"order_id,sku,quantity,price\n1,2,3,4\n{again}\n5,6,7,8\n", block_bytes=block_bytes
    )
    assert [row.line for row in found.malformed] == [3]
    assert [row[-1] for row in rows(found)] == [2, 4]


@pytest.mark.parametrize("block_bytes", [5, 1 << 20])
@pytest.mark.parametrize(
    "row", ["grösse,prix", "größe,prixx", "größe,", "größe prix,", "größe,größe", "gröse,prix"]
)
def test_a_line_that_is_the_header_but_for_a_letter_is_a_row(
    tmp_path: Path, row: str, block_bytes: int
) -> None:
    found = read(tmp_path, "größen,prix\n" + "42,prix fixe\n" * 20 + f"{row}\n", block_bytes=block_bytes)
    assert found.rows == 21 and not found.malformed


def test_which_letters_of_no_ascii_are_folded_to_ascii() -> None:
    """By these a block may be passed over without being folded."""
    letters = (chr(code) for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000)
    becomes = {letter: made for letter in letters if any(map(str.isascii, made := folded(letter)))}
    assert {made: letter for letter, made in becomes.items() if len(made) == 1} == _OF_NO_ASCII
    several = {made for made in becomes.values() if len(made) > 1}
    assert all((found := _OF_ONE_LETTER.match(made)) and found[1] == made for made in several)


def test_a_block_in_which_no_name_stands_is_parsed_by_arrow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_reader.CsvReader, "_exact", lambda *_: pytest.fail("read record by record"))
    for header in ("größe,prix", "Цена,Товар", "sku,prix"):
        assert read(tmp_path, f"{header}\n" + "größer,Straße\nЖдж,x\n" * 2_000).rows == 4_000


@pytest.mark.parametrize("times", [1, 2000])
def test_a_line_with_the_names_of_a_file_without_a_header_is_malformed(tmp_path: Path, times: int) -> None:
    dialect = CsvDialect(names=("sku", "title", "price"))
    lines = ["SKU,Title,price", "A1,Mug,2", "title,sku,price", "sku,title,brand", '"sku",title ,price']
    found = read(tmp_path, "\n".join(lines * times), dialect)
    assert [row.line for row in found.malformed[:2]] == [1, 5]
    assert len(found.malformed) == 2 * times and {row.fault for row in found.malformed} == {
        "row is the header again"
    }
    kept = [("A1", "Mug", "2", 2), ("title", "sku", "price", 3), ("sku", "title", "brand", 4)]
    assert rows(found)[:3] == kept and len(rows(found)) == 3 * times
