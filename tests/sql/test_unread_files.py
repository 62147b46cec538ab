"""Files of a source's folder that nothing reads: a misspelt name does not lose a table or a setting without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from recsys_assets.shop.loaded_source import built_in_sources, load_source
from recsys_assets.shop.shop_rules import SourceError

EVENTS = "SELECT moment AS event_time, who AS user_id, what AS item_id, _file, _line FROM read_csv('*.csv')"
ITEMS = "SELECT what AS item_id, title, _file, _line FROM read_csv('*.csv')"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "raw_events.sql").write_text(EVENTS)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "meant"),
    {
        "raw_item.sql": "raw_items.sql",
        "Raw_Items.sql": "raw_items.sql",
        "raw_items.SQL": "raw_items.sql",
        "raw-items.sql": "raw_items.sql",
        "raw_items.sql.txt": "raw_items.sql",
        "items.sql": "raw_items.sql",
        "Source.toml": "source.toml",
        "source.toml.txt": "source.toml",
        "sources.toml": "source.toml",
    }.items(),
)
def test_a_file_that_is_not_read_is_refused_with_the_name_meant(shop: Path, name: str, meant: str) -> None:
    (shop / name).write_text("" if "toml" in name else ITEMS)
    with pytest.raises(SourceError, match="which is not read") as refused:
        load_source(shop)
    assert meant in str(refused.value.advice)
    assert refused.value.where == str(shop / name)


@pytest.mark.parametrize(
    "name",
    ["raw_events_old.sql", "raw_events.sql.bak", "raw_events.sql~", ".raw_items.sql.swp", "._raw_items.sql",
     "clicks.sql", "README.md", "experiments.toml", "rules.toml", "data.csv"],
)  # fmt: skip
def test_copies_and_files_of_others_are_no_concern_of_the_source(shop: Path, name: str) -> None:
    (shop / name).write_text("x")
    assert load_source(shop).queries.keys() == {"raw_events"}


@pytest.mark.parametrize("name", ["RAW_EVENTS.sql", "raw_event.sql", "raw_events.sql.txt", "events.sql"])
def test_misspelt_events_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(EVENTS)
    with pytest.raises(SourceError, match="no events") as refused:
        load_source(tmp_path)
    assert str(refused.value.advice).startswith(f"{name}: Did you mean 'raw_events.sql'")


def test_built_in_sources_have_no_such_files() -> None:
    for name in built_in_sources():
        assert load_source(name).queries
