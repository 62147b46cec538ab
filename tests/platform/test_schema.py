"""The columns of Python's tables and of raw ones: types and texts stand once, and a better wording is no other code."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

import recsys_assets.assets
from recsys_assets.assets.schema import texts_of, types_of
from recsys_assets.shop.raw_columns import RAW_TABLES
from recsys_lineage.assets.code.syntax.module_source import ModuleSource
from recsys_lineage.errors import LineageError


class Wide:
    """Columns of a table that is made nowhere."""

    name = pl.String
    """Who,
    in two lines."""
    seen = pl.List(pl.Date)
    """When; 'quotes' and "quotes" stay."""
    _line = pl.Int64
    """Where."""


class Silent:
    """Columns, one of which says nothing."""

    name = pl.String
    """Who."""
    age = pl.Int64
    size = pl.Float64
    """How large."""


def column_classes() -> Iterator[type]:
    """Every class of columns of the platform."""
    for module in pkgutil.walk_packages(recsys_assets.assets.__path__, "recsys_assets.assets."):
        found = importlib.import_module(module.name)
        for name, held in vars(found).items():
            if inspect.isclass(held) and name.endswith("Columns") and held.__module__ == found.__name__:
                yield held
    yield from RAW_TABLES.values()


def test_types_and_texts_are_those_of_the_class_in_its_order() -> None:
    assert list(types_of(Wide).items()) == [
        ("name", pl.String), ("seen", pl.List(pl.Date)), ("_line", pl.Int64)
    ]  # fmt: skip
    assert list(texts_of(Wide).items()) == [
        ("name", "Who, in two lines."),
        ("seen", "When; 'quotes' and \"quotes\" stay."),
        ("_line", "Where."),
    ]
    assert pl.DataFrame(schema=types_of(Wide)).schema == types_of(Wide)


def test_a_column_without_a_text_is_refused_by_its_name() -> None:
    with pytest.raises(LineageError, match="age") as refused:
        texts_of(Silent)
    assert "size" not in str(refused.value)


def test_a_better_wording_leaves_the_code_as_it_is_and_another_type_does_not() -> None:
    classes = list(column_classes())
    assert len(classes) >= 12
    for columns in classes:
        path = Path(inspect.getfile(columns))
        text, written = path.read_text(), inspect.getsource(columns)
        digest = ModuleSource(text).digest(columns.__name__)
        reworded = written
        for words in set(texts_of(columns).values()):
            reworded, found = re.subn(r"\s+".join(map(re.escape, words.split())), "Said better.", reworded)
            assert found
        assert ModuleSource(text.replace(written, reworded)).digest(columns.__name__) == digest
        name = next(iter(types_of(columns)))
        other = written.replace(f"    {name} = ", f"    {name} = None or ", 1)
        assert other != written
        assert ModuleSource(text.replace(written, other)).digest(columns.__name__) != digest
