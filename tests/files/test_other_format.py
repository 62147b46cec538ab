"""Files that are delivered as CSV and are none."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.files.csv.csv_dialect import CsvDialect
from recsys_lineage.files.csv.csv_file import csv_blocks
from recsys_lineage.files.csv.other_format import other_format
from recsys_lineage.files.fault import FileFault

SEPARATORS = "\t\x01\x02\x1c\x1d\x1e\x1f"
"""Control characters that exports put between values, lines and keys."""
ENCODINGS = (
    "utf-8",
    "cp1252",
    "cp1251",
    "cp866",
    "koi8-r",
    "cp1253",
    "cp1254",
    "shift_jis",
    "gb18030",
    "big5",
)
LETTERS = st.one_of(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E),
    st.sampled_from("éßñøЖжшЯλΩçğ価格电視臺"),
    st.sampled_from(SEPARATORS),
)


@given(text=st.text(LETTERS, max_size=600), encoding=st.sampled_from(ENCODINGS))
@settings(deadline=None)
def test_no_text_is_binary_data(text: str, encoding: str) -> None:
    other = other_format(text.encode(encoding, "ignore"))
    assert other is None or "binary" not in other.what


@pytest.mark.parametrize("mark", ["utf-16", "utf-32"])
def test_a_text_with_a_byte_order_mark_is_none_either(mark: str) -> None:
    assert other_format("заказ;клиент;товар;цена;ЦЕНА;АБВГДЕЖЗИКЛМНОП".encode(mark)) is None


@given(seed=st.integers(0, 1 << 32))
@settings(deadline=None)
def test_bytes_at_random_are_binary_data(seed: int) -> None:
    other = other_format(Random(seed).randbytes(512))
    assert other is not None and other.what == "binary data, not text"


def test_a_picture_called_csv_is_a_fault_of_the_file_and_no_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x02\x03\x04\x08\x06\x00\x00\x00\x1f\x15\xc4\x0f\x10"
    )
    with pytest.raises(FileFault, match="binary data, not text"):
        list(csv_blocks(path, "a.csv", CsvDialect()))
