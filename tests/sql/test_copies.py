"""Which files are copies: those of equal content of which the SQL also takes the same from their paths."""

from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import pytest

from recsys_assets.assets.raw.source_files import _meanings
from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_assets.shop.loaded_source import load_source
from recsys_lineage.files import deduplicate, list_files
from tests.sql.test_source import folder

EVENTS = "SELECT {time} AS event_time, who AS user_id, what AS item_id, _file, _line FROM read_parquet('**/*.parquet')"


@pytest.mark.parametrize(
    ("time", "copies"),
    [
        ("moment", ["day=2024-01-02/täg=2/a.parquet"]),
        ("day", []),
        ("Day", []),
        ("täg", []),
        (normalize("NFD", "täg"), []),
        ("regexp_extract(_file, '[0-9]{4}-[0-9]{2}-[0-9]{2}')", []),
        ("regexp_extract(_file, '[0-9]{4}')", ["day=2024-01-02/täg=2/a.parquet"]),
    ],
)
def test_a_path_that_says_something_else_is_no_copy(time: str, copies: list[str], tmp_path: Path) -> None:
    data = tmp_path / "data"
    for day in ("day=2024-01-01/täg=1", "day=2024-01-02/täg=2"):
        (data / day).mkdir(parents=True)
        (data / day / "a.parquet").write_bytes(b"equal content")
    source = load_source(folder(tmp_path, raw_events__sql=EVENTS.format(time=time)))
    (named,) = source.scans()
    files = list_files(data, named.scan.pattern)
    means = _meanings(SourceFolder(source, data), named, [file.path for file in files])
    assert [copy.file.path for copy in deduplicate(files, means)[1]] == copies
