"""What `source_files` says is new: the files that differ from those of the look before."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.assets.raw.file_changes import LONGEST_SHOWN, WHAT_IS_NEW, FileChanges, nothing_new
from recsys_lineage.assets.asset_code import Request
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.errors import LineageError
from recsys_lineage.orchestration.metadata.stored_metadata import stored_metadata
from recsys_lineage.records.records import Records
from tests.examples import examples
from tests.platform.nights import Nights

FILES = st.dictionaries(st.text("ab`/é", min_size=1, max_size=400), st.sampled_from(["1", "2"]), max_size=30)


def found(files: dict[str, str], gone: dict[str, str]) -> pl.DataFrame:
    """A version of `source_files`, as far as changes look at it."""
    rows = [(path, sha, "loaded") for path, sha in files.items()] + [(p, s, "gone") for p, s in gone.items()]
    return pl.DataFrame(rows, schema=["path", "sha256", "status"], orient="row")


@settings(deadline=None, max_examples=examples(60))
@given(FILES, FILES)
def test_changes_lead_from_one_look_to_the_next_and_their_words_are_short(
    before: dict[str, str], now: dict[str, str]
) -> None:
    gone = {path: sha for path, sha in before.items() if path not in now}
    changes = FileChanges.between(found(before, {}), found(now, gone))
    assert (set(before) | set(changes.new)) - set(changes.gone) == set(now)
    assert set(changes.changed) == {path for path in set(before) & set(now) if before[path] != now[path]}
    assert not FileChanges.between(found(now, gone), found(now, gone)).as_statistics().keys() - {
        f"{name} since last time" for name in ("new", "changed", "gone")
    }
    words = changes.in_words()
    assert len(words) <= LONGEST_SHOWN
    for name, count in changes.as_statistics().items():
        assert (f"- {count} {name.split()[0]}" in words) == bool(count)


def test_a_look_tells_what_the_one_before_had_not_and_a_kept_one_nothing(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path)
    row = ("2024-01-01 10:00:00", "u1", "i1", "1")
    told = []
    for night in (
        lambda: [shop.deliver("sales-a.csv", row), shop.deliver("sales-b.csv", row, row)],
        lambda: [shop.deliver("sales-a.csv", row, row, row), shop.deliver("sales-c.csv", *[row] * 4)],
        lambda: [(shop.data / "sales-b.csv").unlink()],
        lambda: [],
        lambda: [shop.deliver("sales-b.csv", row, row)],
    ):
        night()
        shop.night()
        records = Records(shop.lake)
        counts = {**records.history("source_files", last=1)[0].statistics, **nothing_new(records)}
        told.append([counts[f"{name} since last time"] for name in ("new", "changed", "gone")])
    assert told == [[2, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0]]


def test_the_page_names_the_files_that_are_new_and_gone(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path)
    row = ("2024-01-01 10:00:00", "u1", "i1", "1")
    shop.deliver("sales of Zoë (1).csv", row)
    shop.deliver("sales-b.csv", row, row)
    shop.night()
    (shop.data / "sales-b.csv").unlink()
    shop.deliver("sales c.csv", *[row] * 3)
    outcome = materialize(shop.codes()["source_files"], shop.lake)
    assert outcome.output is not None
    shown = stored_metadata(outcome.output.metadata[WHAT_IS_NEW], outcome.plain).value
    assert shown == "- 1 new: `sales c.csv`\n- 1 gone: `sales-b.csv`"


def test_a_run_can_be_told_to_forget_a_file_also_where_it_would_keep_the_table(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path)
    row = ("2024-01-01 10:00:00", "u1", "i1", "1")
    shop.deliver("sales-a.csv", row)
    shop.deliver("sales-b.csv", row, row)
    shop.night()
    code = shop.codes()["source_files"]

    told = Request(reuse=True, options={"forget": ["sales-b.csv"]})
    record = materialize(code, shop.lake, told).record
    assert record.parameters["forget"] == ["sales-b.csv"] and record.status == "success"
    shop.night()
    assert shop.statuses() == {"sales-a.csv": "loaded", "sales-b.csv": "forgotten"}
    assert {file for (file,) in shop.rows("raw_events", "_file")} == {"sales-a.csv"}
    assert materialize(code, shop.lake, Request(reuse=True)).record.status == "kept"

    with pytest.raises(LineageError, match=r"no file 'sales-x.csv' to forget(.|\n)*Did you mean 'sales-"):
        materialize(code, shop.lake, Request(options={"forget": ["sales-x.csv"]}))
