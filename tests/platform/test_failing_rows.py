"""Rows at which the source's SQL stops: their days are not loaded, all others are, and what is said names the row."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_assets.assets.raw.file_rows import FaultyFiles
from recsys_lineage.errors import LineageError, SqlFailed
from recsys_lineage.progress import Progress, listening
from recsys_lineage.records.records import Records
from tests.examples import examples
from tests.platform.conftest import Shop
from tests.platform.nights import CSV, PARQUET, Nights, row
from tests.platform.shop import DAYS, HEADER, day_file, day_name, day_rows, write_day

CAST = CSV.replace("pieces AS quantity", "CAST(pieces AS INTEGER) AS quantity")
STRPTIME = CSV.replace("moment AS event_time", "strptime(moment, '%d.%m.%Y') AS event_time")


def day(n: int) -> str:
    return f"2024-01-{n:02}"


def loaded_days(shop: Nights) -> set[str]:
    return {found for (found,) in shop.events("_day")}


@settings(deadline=None, max_examples=examples(12), suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=1, max_size=5), min_size=1, max_size=3
    )
)
def test_the_days_of_rows_that_fail_are_left_out_and_no_others(files: list[list[tuple[int, bool]]]) -> None:
    """Files of rows of any days, some with pieces that are no number."""
    with tempfile.TemporaryDirectory() as folder:
        shop = Nights.of(Path(folder, "shop"), raw_events=CAST)
        for n, rows in enumerate(files):
            shop.deliver(
                f"sales{n}.csv",
                *(
                    (day(d), f"u{n}", f"i{line}", "1" if good else "no")
                    for line, (d, good) in enumerate(rows)
                ),
            )
        every = {d for rows in files for d, _ in rows}
        broken = {d for rows in files for d, good in rows if not good}
        if every == broken:
            with pytest.raises(FaultyFiles) as error:
                shop.night()
            assert ".csv:" in str(error.value) and "'no'" in str(error.value)
            return
        report = shop.night()
        assert set(report.days) == {day(d) for d in broken}
        assert report.complete == (not broken)
        assert loaded_days(shop) == {day(d) for d in every - broken}
        rows = sum(d not in broken for each in files for d, _ in each)
        assert len(shop.events()) == rows


def test_a_row_without_a_day_that_can_be_read_fails_the_first_day_of_its_file(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path / "shop", raw_events=STRPTIME)
    shop.deliver(
        "sales1.csv", ("03.01.2024", "u", "i", 1), ("02.01.2024", "u", "j", 1), ("unknown", "u", "k", 1)
    )
    shop.deliver("sales2.csv", ("04.01.2024", "u", "i", 1))
    report = shop.night()
    assert set(report.days) == {day(2)}
    assert loaded_days(shop) == {day(3), day(4)}
    assert "sales1.csv:4" in report.days[day(2)][0] and "raw_events.sql:1:" in report.days[day(2)][0]
    assert "try_strptime" in report.days[day(2)][0]


def test_a_mended_file_or_a_mended_source_loads_the_days_and_until_then_the_old_rows_stay(
    tmp_path: Path,
) -> None:
    shop = Nights.of(tmp_path / "shop", raw_events=CAST)
    shop.deliver("sales1.csv", (day(1), "u", "i", 1), (day(2), "u", "i", 2))
    assert shop.night().complete
    shop.deliver("sales1.csv", (day(1), "u", "i", 1), (day(2), "u", "i", "no"), (day(3), "u", "i", 3))
    for _ in range(2):
        assert set(shop.night().days) == {day(2)}
        assert shop.events("_day", "quantity") == [(day(1), "1"), (day(2), "2"), (day(3), "3")]
    shop.mend(raw_events=CAST.replace("CAST(", "TRY_CAST("))
    assert shop.night().complete
    assert shop.events("_day", "quantity") == [(day(1), "1"), (day(2), None), (day(3), "3")]


def test_a_file_of_which_many_rows_fail_is_left_out_whole(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path / "shop", raw_events=CAST)
    shop.deliver("sales1.csv", *((day(1 + n % 5), "u", f"i{n}", "1,5") for n in range(60)))
    shop.deliver("sales2.csv", (day(6), "u", "i", 1))
    report = shop.night()
    assert set(report.days) == {day(n) for n in range(1, 6)}
    assert loaded_days(shop) == {day(6)}


def test_an_id_of_bytes_or_of_parts_is_refused_with_its_column(tmp_path: Path) -> None:
    for number, who in enumerate((b"u", {"id": "u"}, ["u"])):
        shop = Nights.of(tmp_path / str(number), raw_events=PARQUET)
        shop.deliver("sales.parquet", row(day(1), who))
        with pytest.raises(LineageError, match="The column user_id of raw_events") as told:
            shop.night()
        assert told.value.where == str(tmp_path / str(number) / "source/raw_events.sql")
        shop.mend(
            raw_users="SELECT what AS user_id, who AS age_group, _file, _line FROM read_parquet('*.parquet')"
        )
        shop.mend(raw_events=PARQUET.replace("who AS", "'u' AS"))
        if number == 0:
            with pytest.raises(LineageError, match="The column age_group of raw_users holds bytes"):
                shop.night()


def test_the_values_are_shown_and_in_no_record(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path / "shop", raw_events=CAST)
    shop.deliver("sales1.csv", (day(1), "u", "i", "my secret"), (day(2), "u", "i", 2))
    said: list[Progress] = []
    with listening(said.append):
        shop.night()
    assert [moment.text for moment in said if moment.kind == "note"]
    assert "sales1.csv:2" in str(said) and "my secret" in str(said)
    records = Records(shop.lake)
    assert "my secret" not in str([record.to_json() for record in records.runs("raw_events")])
    other = Nights.of(tmp_path / "other", raw_events=CAST)
    other.deliver("sales1.csv", (day(1), "u", "i", "my secret"))
    with pytest.raises(FaultyFiles, match="my secret"):
        other.night()
    last = [*Records(other.lake).runs("raw_events")][-1].to_json()
    assert "sales1.csv:2" in str(last) and "my secret" not in str(last)


def test_a_table_without_days_names_the_row(tmp_path: Path) -> None:
    users = (
        "SELECT who AS user_id, CAST(age AS INTEGER) AS age_group, _file, _line\nFROM read_csv('users.csv')"
    )
    shop = Nights.of(tmp_path / "shop", raw_users=users)
    shop.deliver("sales1.csv", (day(1), "u", "i", 1))
    shop.deliver("users.csv", ("a", 1), ("b", "old"), header=("who", "age"))
    with pytest.raises(
        FaultyFiles, match=r"users\.csv:3[\s\S]*raw_users\.sql:1:24[\s\S]*'old'[\s\S]*TRY_CAST"
    ):
        shop.night()


@pytest.mark.parametrize(
    ("fault", "offset"),
    [("nope(pieces)", 0), ("pieces + 1 + [2]", 7), ("list_extract(nope(who), 1)", 13)],
)
@pytest.mark.parametrize("table", ["raw_events", "raw_users"])
def test_a_fault_of_the_sql_is_told_at_its_place_and_once(
    tmp_path: Path, table: str, fault: str, offset: int
) -> None:
    sql = (
        CSV
        if table == "raw_events"
        else "SELECT who AS user_id,\n pieces AS age_group,\n _file, _line FROM read_csv('sales*.csv')"
    )
    column = "quantity" if table == "raw_events" else "age_group"
    text = sql.replace(f"pieces AS {column}", f"\n -- a note\n  {fault} AS {column}")
    shop = Nights.of(tmp_path / "shop", **{table: text})
    shop.deliver("sales1.csv", (day(1), "u", "i", 1))
    with pytest.raises(LineageError) as error:
        shop.night()
    start = text.index(fault) + offset
    line, column_ = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
    assert isinstance(error.value, SqlFailed)
    assert error.value.where == f"{(tmp_path / 'shop' / 'source').resolve() / table}.sql:{line}:{column_}"
    assert "UNION" not in str(error.value) and "file_days" not in str(error.value)


def test_a_column_that_no_file_has_is_told_where_the_sql_names_it(tmp_path: Path) -> None:
    text = CSV.replace("pieces AS quantity", "\n  pieces AS quantity,\n  upper(colour) AS store_id")
    shop = Nights.of(tmp_path / "shop", raw_events=text)
    shop.deliver("sales1.csv", (day(1), "u", "i", 1))
    (fault,) = shop.night().faulty.values()
    assert "sales1.csv: expected the column 'colour'" in fault
    assert f"{(tmp_path / 'shop' / 'source').resolve()}/raw_events.sql:3:9" in fault


def test_the_command_loads_the_other_days_names_row_and_value_and_fails(new_shop: Shop) -> None:
    source = new_shop.home.parent / "casting"
    source.mkdir()
    for path in new_shop.source.iterdir():
        text = path.read_text()
        (source / path.name).write_text(
            text.replace("pieces AS quantity", "CAST(nullif(pieces, 'many') AS INTEGER) AS quantity")
        )
    assert "CAST(" in (source / "raw_events.sql").read_text()
    rows = [[*row] for row in day_rows(DAYS)]
    rows[1][HEADER.index("pieces")] = "a dozen"
    write_day(new_shop.data / day_file(DAYS), [tuple(row) for row in rows])
    shop = Shop(new_shop.home.parent / "casting-home", new_shop.data, source)
    done = shop.recsys("materialize", "+key:raw_events")
    said = " ".join(done.output.split())
    assert done.exit_code == 1, done.output
    assert f"{day_file(DAYS)}:3" in said and "a dozen" in said and "TRY_CAST" in said
    assert f"{day_name(DAYS)} was not loaded" in said
    held = shop.lake.version("raw_events").partitions
    assert day_name(DAYS) not in held and day_name(DAYS - 1) in held
