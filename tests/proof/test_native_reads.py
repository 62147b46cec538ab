"""Whatever native code opens is refused by the guard, or seen when the asset is proved."""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import deltalake
import lightgbm
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.substrait
import pytest
import rustworkx
import tokenizers
from tokenizers import models, trainers

from recsys_lineage import AssetCode, Inputs, Lake
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.errors import UnnotedFile
from recsys_lineage.proof import verify_reads

etree: Any = importlib.import_module("lxml.etree")
objectify: Any = importlib.import_module("lxml.objectify")
package: Any = importlib.import_module("torch.package")
XI = "http://www.w3.org/2001/XInclude"
XSL = "http://www.w3.org/1999/XSL/Transform"


def _substrait(path: str) -> object:
    read = {
        "base_schema": {"struct": {"types": [{"i64": {}}]}, "names": ["i"]},
        "local_files": {"items": [{"uri_file": f"file://{path}", "parquet": {}}]},
    }
    plan = json.dumps({"relations": [{"rel": {"read": read}}]}).encode()
    return pyarrow.substrait.run_query(pa._substrait._parse_json_plan(plan)).read_all()  # pyright: ignore


def _entity(path: str) -> object:
    parser = etree.XMLParser(load_dtd=True, resolve_entities=True)
    text = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{path}">]><a>&x;</a>'
    return etree.fromstring(text.encode(), parser).text


def _included(path: str) -> object:
    root = etree.fromstring(f'<a xmlns:xi="{XI}"><xi:include href="file://{path}" parse="text"/></a>')
    etree.ElementTree(root).xinclude()
    return root.text


def _of_a_style_sheet(path: str) -> object:
    value = f"<xsl:value-of select=\"document('file://{path}')/a\"/>"
    template = f'<xsl:template match="/"><o>{value}</o></xsl:template>'
    sheet = f'<xsl:stylesheet version="1.0" xmlns:xsl="{XSL}">{template}</xsl:stylesheet>'
    return str(etree.XSLT(etree.fromstring(sheet))(etree.fromstring("<a/>")))


def _of_libc(path: str) -> object:
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    return libc.fclose(ctypes.c_void_p(libc.fopen(os.fsencode(path), b"r")))


def _query(path: str) -> object:
    builder = deltalake.QueryBuilder()
    return builder.execute(f"CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{path}'")


WAYS: dict[str, tuple[str, Callable[[str], object]]] = {
    "ctypes": ("t.txt", _of_libc),
    "lxml, DTD": ("t.dtd", etree.DTD),
    "lxml, entity": ("t.txt", _entity),
    "lxml, included": ("t.txt", _included),
    "lxml, objectify": ("t.xml", lambda path: objectify.parse(path)),
    "lxml, XSLT": ("t.xml", _of_a_style_sheet),
    "substrait": ("t.parquet", _substrait),
    "deltalake": ("t.csv", _query),
    "tokenizers, a model's constructor": ("vocab.txt", lambda path: models.WordPiece(path)),
    "tokenizers, from_file": ("vocab.txt", lambda path: models.WordPiece.from_file(path)),
    "tokenizers, read_file": ("vocab.txt", lambda path: models.WordPiece.read_file(path)),
    "tokenizers, of words": ("vocab.txt", lambda path: tokenizers.BertWordPieceTokenizer(path)),
    "tokenizers, train": (
        "t.txt",
        lambda path: tokenizers.Tokenizer(models.BPE()).train([path], trainers.BpeTrainer()),
    ),
    "torch.package": ("package.pt", package.PackageImporter),
    "rustworkx": ("t.graphml", rustworkx.read_graphml),
    "lightgbm": (
        "bins.json",
        lambda path: lightgbm.Dataset(
            np.ones((60, 1)), np.ones(60), params={"forcedbins_filename": path}
        ).construct(),
    ),
    "sqlite": ("t.sqlite", lambda path: sqlite3.connect(path).execute("SELECT * FROM t").fetchall()),
    "polars": ("t.csv", pl.read_csv),
}
"""Ways to open a file, each with a file for it."""
UNSEEN = {"ctypes", "lxml, DTD", "lxml, entity", "lxml, included", "lxml, XSLT", "substrait",
          "tokenizers, a model's constructor"}  # fmt: skip
"""Those that the guard does not see."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files that nobody notes."""
    folder = tmp_path_factory.mktemp("outside").resolve()
    texts = {
        "t.csv": "i\n1\n", "t.txt": "a b\n", "t.xml": "<a>1</a>", "t.dtd": "<!ELEMENT a ANY>",
        "vocab.txt": "[UNK]\n[CLS]\n[SEP]\na\nb\n", "bins.json": '[{"feature": 0, "bin_upper_bound": [0.5]}]',
        "t.graphml": '<graphml><graph edgedefault="undirected"><node id="a"/></graph></graphml>',
    }  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text)
    pl.DataFrame({"i": [1]}).write_parquet(folder / "t.parquet")
    with package.PackageExporter(str(folder / "package.pt")) as written:
        written.save_text("a", "b.txt", "text")
    sqlite3.connect(folder / "t.sqlite").execute("CREATE TABLE t (i)").close()
    return folder


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def _proved(asset: AssetCode, lake: Lake) -> Any:
    """The proof of an asset's reads; None where the guard refuses them."""
    lake.storage.make_folder(lake.uri)
    try:
        return verify_reads(asset, lake)
    except UnnotedFile:
        return None


@pytest.mark.sampled(3)
@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_native_code_opens_is_refused_or_seen(way: str, data: Path, lake: Lake) -> None:
    path, read = str(data / WAYS[way][0]), WAYS[way][1]

    def reads() -> pl.DataFrame:
        read(path)
        return pl.DataFrame({"i": [1]})

    found = _proved(frame_code(reads), lake)
    assert found is not None or way not in UNSEEN
    assert found is None or found.unnamed == (path,)


def _frame(path: str) -> pl.DataFrame:
    return pl.DataFrame({"elements": [len(list(etree.DTD(path).iterelements()))]})


def _by_parameter(data: Path) -> AssetCode:
    def reads(settings: dict[str, list[str]]) -> pl.DataFrame:
        return _frame(settings["files"][0])

    return frame_code(reads, parameters={"settings": {"files": [str(data / "t.dtd")]}})


def _by_variable(data: Path) -> AssetCode:
    def reads() -> pl.DataFrame:
        return _frame(os.path.join(os.environ["SHOP_FILES"], "t.dtd"))

    return frame_code(reads)


def _by_folder(data: Path) -> AssetCode:
    folder = data.parent

    def reads() -> pl.DataFrame:
        return _frame(str(folder / os.environ["SHOP_NAME"] / "t.dtd"))

    return frame_code(reads)


def _by_link(data: Path) -> AssetCode:
    link = data / "link.dtd"
    link.unlink(missing_ok=True)
    link.symlink_to(data / "t.dtd")

    def reads() -> pl.DataFrame:
        return _frame(str(link))

    return frame_code(reads)


def _by_relative_path(data: Path) -> AssetCode:
    def reads() -> pl.DataFrame:
        return _frame("t.dtd")

    return frame_code(reads)


NAMES = [_by_folder, _by_link, _by_parameter, _by_relative_path, _by_variable]


@pytest.mark.parametrize("named", NAMES, ids=lambda named: named.__name__)
def test_it_is_seen_however_the_code_names_it(
    named: Callable[[Path], AssetCode], data: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_FILES", str(data))
    monkeypatch.setenv("SHOP_NAME", data.name)
    if named is _by_relative_path:
        monkeypatch.chdir(data)
    found = _proved(named(data), lake)
    assert found is not None and found.unnamed == (str(data / "t.dtd"),)


def test_a_file_on_record_is_seen_too_and_refutes_nothing(data: Path, lake: Lake) -> None:
    def reads(inputs: Inputs) -> pl.DataFrame:
        return _frame(str(inputs.note_file(data / "t.dtd")))

    found = _proved(frame_code(reads), lake)
    assert found is not None and found.true and found.opened == 1
