"""Sources: folders of SQL that map files to the raw tables."""

from __future__ import annotations

from datetime import date, datetime, timezone
from pathlib import Path

import duckdb
import pytest

from recsys_assets.shop.loaded_source import built_in_sources, load_source
from recsys_assets.shop.raw_columns import RAW_COLUMNS
from recsys_assets.shop.shop_rules import SourceError
from tests.sql.pipeline import open_source, run_pipeline, run_raw

EVENTS = "SELECT moment AS event_time, who AS user_id, what AS item_id, _file, _line FROM read_csv('*.csv')"


def folder(tmp_path: Path, **files: str) -> Path:
    path = tmp_path / "shop"
    path.mkdir(exist_ok=True)
    for name, text in {
        "raw_events.sql": EVENTS,
        **{k.replace("__", "."): v for k, v in files.items()},
    }.items():
        (path / name).write_text(text)
    return path


def test_the_built_in_sources_load() -> None:
    assert built_in_sources() == ("complete-journey", "interaction-lists", "online-retail")
    for name in built_in_sources():
        source = load_source(name)
        assert source.name == name
        assert source.settings.title


@pytest.mark.parametrize("table", RAW_COLUMNS)
def test_every_source_gives_the_canonical_columns(con, tmp_path: Path, table: str) -> None:
    for name in built_in_sources():
        source = load_source(name)
        for scan in source.scans():
            columns = ", ".join(f"NULL::VARCHAR AS {column}" for column in scan.required_columns)
            con.execute(
                f"CREATE OR REPLACE TABLE {scan.relation} AS "
                f"SELECT {columns}, 'f' AS _file, 1::BIGINT AS _line WHERE false"
            ).fetchall()
            con.execute(
                f"CREATE OR REPLACE TABLE {scan.relation}_malformed AS "
                "SELECT 'f' AS _file, 1::BIGINT AS _line, '' AS _fault, '' AS _row WHERE false"
            ).fetchall()
        con.execute("CREATE OR REPLACE TABLE file_days (_file VARCHAR, day DATE)").fetchall()
        sql = source.query(table)
        values = source.raw_parameters(date(2027, 1, 1)) if table == "raw_events" else {}
        con.execute(f"CREATE OR REPLACE TABLE made AS {sql}", values).fetchall()
        columns = [row[0] for row in con.execute("DESCRIBE made").fetchall()]
        days = ["_day", "_row_hash", "_event_id"] if table == "raw_events" else []
        assert columns == [*RAW_COLUMNS[table], "_file", "_line", "_fault", "_row", *days]


def test_an_unknown_source_lists_the_known() -> None:
    with pytest.raises(
        SourceError, match=r"online-retail[\s\S]*Found: 'online_retail'[\s\S]*Did you mean 'online-retail'"
    ):
        load_source("online_retail")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"raw_events__sql": "SELECT a AS user FROM read_csv('a.csv')"},
            r"Found: 'user'[\s\S]*raw_events\.sql[\s\S]*Did you mean 'user_id'",
        ),
        (
            {"raw_events__sql": "SELECT a AS user_id, _file, _line FROM read_csv('a.csv')"},
            "the columns item_id",
        ),
        ({"raw_events__sql": "SELECT a AS user_id, b AS item_id FROM read_csv('a.csv')"}, "_file, _line"),
        ({"raw_events__sql": "SELECT FROM"}, "raw_events.sql"),
        (
            {"raw_items__sql": "SELECT a AS item_id, _file, _line FROM items"},
            r"read files only[\s\S]*Where: \S*raw_items\.sql",
        ),
        ({"source__toml": "titel = 'x'"}, r"Found: 'titel'[\s\S]*Did you mean 'title'"),
        ({"source__toml": "licence = 'MIT'"}, "'licence' is no setting[\\s\\S]*take the line out"),
        ({"source__toml": "currency = 'EUR'"}, "'currency' is no setting[\\s\\S]*take the line out"),
        (
            {"raw_events__sql": "SELECT a AS user_id, b AS user_id, _file, _line FROM read_csv('a.csv')"},
            "gives the column 'user_id' 2 times",
        ),
        ({"source__toml": "title ="}, "Expected: TOML"),
        ({"source__toml": "non_products = ['(']"}, "Expected: regular expressions"),
    ],
)
def test_a_wrong_source_says_where_and_what(tmp_path: Path, files: dict[str, str], words: str) -> None:
    with pytest.raises(SourceError, match=words) as raised:
        load_source(folder(tmp_path, **files))
    error = raised.value
    assert error.expected and error.found and error.advice
    assert str(tmp_path / "shop") in (error.where or "")


@pytest.mark.parametrize("name", ["source.toml", "raw_events.sql"])
def test_a_file_that_is_no_utf_8_is_told_by_its_name(tmp_path: Path, name: str) -> None:
    path = folder(tmp_path)
    (path / name).write_bytes('title = "Café"'.encode("latin-1"))
    with pytest.raises(SourceError, match="UTF-8") as refused:
        load_source(path)
    assert name in str(refused.value.where)


def test_a_folder_without_events_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"Expected: a file raw_events\.sql"):
        load_source(tmp_path)


def test_an_event_belongs_to_its_day_or_to_its_file_s_first_day(con, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "moment,who,what\n2020-03-02 10:00:00,u,i\n2020-03-01,u,i\nnever,u,i\n1999-01-01,u,i\n2999-01-01,u,i\nu,i\n"
    )
    source = load_source(folder(tmp_path))
    open_source(con, source, tmp_path)
    run_raw(con, source)
    found = con.execute("SELECT _line, _day, _fault IS NULL FROM raw_events ORDER BY _line").fetchall()
    assert found == [
        (2, date(2020, 3, 2), True),
        (3, date(2020, 3, 1), True),
        (4, date(2020, 3, 1), True),
        (5, date(2020, 3, 1), True),
        (6, date(2020, 3, 1), True),
        (7, date(2020, 3, 1), False),
    ]


def test_a_file_without_days_belongs_to_the_day_it_changed(con, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("moment,who,what\n,u,i\n")
    source = load_source(folder(tmp_path))
    open_source(con, source, tmp_path)
    run_raw(con, source)
    changed = datetime.fromtimestamp((tmp_path / "a.csv").stat().st_mtime, timezone.utc).date()
    assert con.execute("SELECT _day FROM raw_events").fetchall() == [(changed,)]


def test_malformed_rows_are_taken_once(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("moment,who,what\n2020-01-01,u,i\nbroken\n")
    (tmp_path / "items.csv").write_text("moment,who,what,title\n2020-01-01,v,j,T\nbroken\n")
    source = load_source(
        folder(
            tmp_path,
            raw_users__sql="SELECT who AS user_id, _file, _line FROM read_csv('*.csv')",
            raw_items__sql="SELECT what AS item_id, title, _file, _line FROM read_csv('items.csv')",
        )
    )
    open_source(con, source, tmp_path)
    run_raw(con, source)
    faults = "SELECT _file, _line, _row FROM {} WHERE _fault IS NOT NULL ORDER BY 1"
    assert con.execute(faults.format("raw_events")).fetchall() == [
        ("a.csv", 3, "broken"),
        ("items.csv", 3, "broken"),
    ]
    assert con.execute(faults.format("raw_users")).fetchall() == []
    assert con.execute(faults.format("raw_items")).fetchall() == [("items.csv", 3, "broken")]


def test_interaction_lists_become_events(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("0 10 11 10\n1 \n2 12\n")
    (tmp_path / "test.txt").write_text("0 12\n")
    run_pipeline(con, load_source("interaction-lists"), tmp_path)
    found = con.execute(
        "SELECT user_id, item_id, subset, behaviour, _file, _line FROM events ORDER BY ALL"
    ).fetchall()
    assert found == [
        ("0", "10", "train", "interaction", "train.txt", 1),
        ("0", "11", "train", "interaction", "train.txt", 1),
        ("0", "12", "test", "interaction", "test.txt", 1),
        ("2", "12", "train", "interaction", "train.txt", 3),
    ]
    assert con.execute("SELECT reason, detail FROM rejected_rows").fetchall() == []


def test_the_complete_journey_s_data_is_its_package() -> None:
    folder = load_source("complete-journey").data_folder()
    assert folder is not None
    assert (folder / "transactions.parquet").is_file()


def test_a_package_that_is_not_installed_is_named(tmp_path: Path) -> None:
    source = load_source(folder(tmp_path, source__toml="data = 'python package no_such_package'"))
    with pytest.raises(SourceError, match="pip install no_such_package"):
        source.data_folder()


@pytest.mark.parametrize(
    "line",
    ['non_products = "POST"', 'non_products = ["(?!X).*"]', "non_products = [1]", 'first_day = "2024-01-01"',
     'half_life_days = "60"', 'undated = "true"', "undated = 1", "title = 3", "holdout_weeks = 2.5",
     "first_day = 2024", "half_life_days = nan", "half_life_days = inf", "half_life_days = 0", "largest_price = -1",
     "default_behaviour = ' '", "largest_quantity = 0.0", "holdout_weeks = 0",
     "last_day = 1999-12-31\nfirst_day = 2000-01-01"],
)  # fmt: skip
def test_a_setting_of_the_wrong_type_is_refused_with_its_place(tmp_path: Path, line: str) -> None:
    name = line.split(" ")[0]
    with pytest.raises(SourceError) as refused:
        load_source(folder(tmp_path, source__toml=line))
    assert "source.toml" in (refused.value.where or "") and name in str(refused.value)
    assert refused.value.expected and refused.value.found and refused.value.advice


def test_settings_of_the_right_types_are_taken(tmp_path: Path) -> None:
    text = 'title = "A"\nfirst_day = 2024-01-01\nhalf_life_days = 30\nundated = true\n'
    text += 'non_products = ["POST", "x|y"]\n'
    loaded = load_source(folder(tmp_path, source__toml=text + "holdout_weeks = 2\n")).settings
    assert (loaded.first_day, loaded.half_life_days, loaded.undated) == (date(2024, 1, 1), 30, True)
    assert loaded.non_products == ("POST", "x|y") and loaded.holdout_weeks == 2


def test_files_saved_with_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = folder(tmp_path, source__toml='title = "A shop"\r\n')
    for file in path.iterdir():
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert load_source(path).settings.title == "A shop"
