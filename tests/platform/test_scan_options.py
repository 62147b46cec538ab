"""Tables follow the options of a source's scans, as they follow the rest of its SQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from recsys_lineage.files.csv.csv_dialect import KNOWN_OPTIONS
from tests.platform.nights import CSV, ONE, TWO, Nights

PEOPLE = "SELECT who AS user_id, what AS country, _file, _line FROM read_csv('people*.csv')"
WRITTEN = {
    "all_varchar": "true",
    "delim": "';'",
    "delimiter": "';'",
    "encoding": "'cp1252'",
    "escape": "'\\'",
    "header": "true",
    "hive_partitioning": "false",
    "names": "['moment', 'who', 'what', 'pieces']",
    "null": "'-'",
    "nullstr": "['-', 'NULL']",
    "quote": "''",
    "sep": "';'",
    "skip": "1",
    "union_by_name": "true",
}


def with_option(sql: str, option: str) -> str:
    return sql.replace(".csv'", f".csv', {option}")


def test_every_option_of_a_scan_is_part_of_the_version_of_its_table(tmp_path: Path) -> None:
    assert WRITTEN.keys() == KNOWN_OPTIONS
    shop = Nights.of(tmp_path, raw_events=CSV, raw_users=PEOPLE)
    before = {name: code.code_version for name, code in shop.codes().items()}
    for name, value in WRITTEN.items():
        option = f"{name} = {value}"
        shop.mend(raw_events=with_option(CSV, option))
        events = {name: code.code_version for name, code in shop.codes().items()}
        shop.mend(raw_events=CSV, raw_users=with_option(PEOPLE, option))
        users = {name: code.code_version for name, code in shop.codes().items()}
        shop.mend(raw_users=PEOPLE)
        assert {table for table in before if before[table] != events[table]} == {
            "raw_events",
            "source_files",
        }, option
        assert {table for table in before if before[table] != users[table]} == {
            "raw_users",
            "source_files",
        }, option


@pytest.mark.parametrize(
    "option", ["nullstr = '-'", "quote = ''", "names = ['moment', 'what', 'who', 'pieces']", "escape = '#'"]
)
def test_days_are_loaded_again_when_an_option_changes(option: str, tmp_path: Path) -> None:
    tables = []
    for name, first in (("changed", CSV), ("fresh", with_option(CSV, option))):
        shop = Nights.of(tmp_path / name, raw_events=first)
        (shop.data / "sales-1.csv").write_text(
            f'moment,who,what,pieces\n{ONE} 10:00:00,-,i1,1\n{TWO} 10:00:00,u1,"i2",1\n{TWO} 11:00:00,u1,i##3,1\n'
        )
        shop.night()
        tables.append(shop.events())
        shop.mend(raw_events=with_option(CSV, option))
        shop.night()
        tables.append(shop.events())
    before, after, fresh, again = tables
    assert before != after, "the option is seen in these rows"
    assert after == fresh == again
