"""A column is the one that the SQL names however its accents are written; one that only looks so is told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from unicodedata import normalize

import duckdb
import polars as pl
import pytest

from recsys_lineage.errors import did_you_mean
from recsys_lineage.files import FileScan
from recsys_lineage.spelling import folded
from recsys_lineage.sql.names import quote
from tests.files.scans import CSV, PARQUET, opened

Form = Literal["NFC", "NFD"]
NAMES = ("whö", "Größe", "naïve prix", "が", "item")


@pytest.mark.parametrize("scan", [CSV, PARQUET], ids=["csv", "parquet"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
@pytest.mark.parametrize("written", [["NFC"], ["NFD"], ["NFC", "NFD"], ["NFD", "NFC"]], ids="+".join)
def test_accents_tell_no_two_columns_apart(
    tmp_path: Path, scan: FileScan, asked: Form, written: list[Form]
) -> None:
    for place, form in enumerate(written):
        frame = pl.DataFrame({normalize(form, name): [f"{place}{name}"] for name in NAMES})
        path = tmp_path / f"{place}{scan.pattern[1:]}"
        frame.write_csv(path) if scan is CSV else frame.write_parquet(path)
    wanted = [normalize(asked, name) for name in NAMES]
    con = duckdb.connect()
    found = opened(con, tmp_path, scan, *wanted)
    assert not found.faults and len(found.schema) == len(NAMES)
    rows = con.execute(f"SELECT {', '.join(map(quote, wanted))} FROM files ORDER BY ALL").fetchall()
    assert rows == [tuple(f"{place}{name}" for name in NAMES) for place in range(len(written))]


@pytest.mark.parametrize("scan", [CSV, PARQUET], ids=["csv", "parquet"])
def test_a_file_that_has_it_in_both_ways_has_it_twice(tmp_path: Path, scan: FileScan) -> None:
    frame = pl.DataFrame({normalize("NFC", "whö"): ["a"], normalize("NFD", "whö"): ["b"], "item": ["c"]})
    path = tmp_path / f"1{scan.pattern[1:]}"
    frame.write_csv(path) if scan is CSV else frame.write_parquet(path)
    assert "names once" in str(opened(duckdb.connect(), tmp_path, scan, "whö").faults[0])
    con = duckdb.connect()
    assert not opened(con, tmp_path, scan, "item").faults
    assert con.sql("SELECT item FROM files").fetchall() == [("c",)]


@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_folders_are_columns_in_either_way(tmp_path: Path, asked: Form) -> None:
    folder = tmp_path / f"{normalize('NFD', 'größe')}=7"
    folder.mkdir()
    (folder / "a.csv").write_text("item\nx\n")
    pl.DataFrame({"item": ["x"]}).write_parquet(folder / "a.parquet")
    name = normalize(asked, "größe")
    for scan in (FileScan("read_csv", "**/*.csv"), FileScan("read_parquet", "**/*.parquet")):
        con = duckdb.connect()
        assert not opened(con, tmp_path, scan, name, "item").faults
        assert con.sql(f"SELECT {quote(name)}, item FROM files").fetchall() == [("7", "x")]


@pytest.mark.parametrize(
    ("asked", "there", "told"),
    [
        ("price", "pr\u0456ce", "character 3 is U+0456 CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I, not U+0069"),
        ("Preis netto", "Preis\u00a0netto", "character 6 is U+00A0 NO-BREAK SPACE, not U+0020 SPACE"),
        ("order_id", "order\uff3fid", "character 6 is U+FF3F FULLWIDTH LOW LINE, not U+005F LOW LINE"),
        ("\u0391rt", "Art", "character 1 is U+0061 LATIN SMALL LETTER A, not U+03B1 GREEK SMALL LETTER ALPHA"),
        (normalize("NFC", "whö"), normalize("NFD", "whö"), "accents are signs of their own"),
        ("größe", "grösse", ""),
        ("größe", "größen", ""),
        ("prix", "priz", ""),
        ("préx", "prêx", ""),
        ("ITEM", "item", ""),
    ],
)  # fmt: skip
def test_names_that_look_alike_are_told_apart(asked: str, there: str, told: str) -> None:
    words = did_you_mean(asked, [there])
    assert repr(there) in words
    assert told in words if told else "(" not in words


@pytest.mark.parametrize("name", [*NAMES, "İstanbul", "ᾼ", "ﬁx"])
def test_what_is_folded_stays(name: str) -> None:
    ways = [name, name.casefold(), folded(name), *(normalize(form, name) for form in ("NFC", "NFD"))]
    assert len(set(map(folded, ways))) == 1
