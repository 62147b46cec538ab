"""The hash of a whole row of a file hangs on that row alone: on its values, by the names of their columns."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from unicodedata import normalize

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_assets.shop import source as shop_source
from recsys_assets.shop.loaded_source import load_source
from recsys_lineage.files import SourceQuery
from tests.platform.nights import ONE, PARQUET, TWO, Nights, row
from tests.sql.pipeline import open_source, run_raw

NAMES = ("who", "what", "price", "Note")
Line = dict[str, str]
_VALUES = st.sampled_from(["", "a", "b", "ab", "1", *NAMES])
LINES = st.lists(
    # a line with three of the four names is a header
    st.fixed_dictionaries({name: _VALUES for name in NAMES}).filter(
        lambda line: len({*NAMES}.intersection(line.values())) < 3
    ),
    min_size=2,
    max_size=5,
)
_SQL = "SELECT {e}who AS user_id, {e}what AS item_id, {e}_file, {e}_line FROM read_csv('*.csv') {more}"
WAYS = [
    _SQL.format(e="", more=""),  # the hash comes from the scan
    _SQL.format(e="e.", more="AS e"),
    _SQL.format(e="", more="LIMIT 99"),  # it is joined
]


def hashes(folder: Path, sql: str, files: Sequence[tuple[Sequence[str], Sequence[Line]]]) -> list[list[int]]:
    """The hash of each line of each file, loaded together; files are columns in an order, and lines."""
    data = folder / "data"
    data.mkdir(parents=True)
    (folder / "raw_events.sql").write_text(sql)
    for place, (header, lines) in enumerate(files):
        with (data / f"{place}.csv").open("w", newline="") as stream:
            written = csv.DictWriter(stream, header, extrasaction="ignore", quoting=csv.QUOTE_ALL)
            written.writeheader()
            # an empty text in quotes may be one; what is not there is not written
            written.writerows({"nr": place, **line} for line in lines)
    with duckdb.connect() as con:
        open_source(con, load_source(folder), data)
        run_raw(con, load_source(folder))
        found = con.execute("SELECT _file, _row_hash FROM raw_events ORDER BY _file, _line").fetchall()
    return [[own for path, own in found if path == f"{place}.csv"] for place in range(len(files))]


@settings(deadline=None, max_examples=12, suppress_health_check=[*HealthCheck])  # pyright: ignore[reportArgumentType]
@given(
    lines=LINES, order=st.permutations(NAMES), sql=st.sampled_from(WAYS), more=st.sampled_from(["x", "nr"])
)
def test_it_hangs_on_the_line_alone_whatever_is_loaded_beside_it(
    lines: list[Line], order: list[str], sql: str, more: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def folder() -> Path:
        return tmp_path_factory.mktemp("shop")

    # "nr" differs from file to file, so that no file is a copy of another
    alone = hashes(folder(), sql, [(NAMES, lines)])[0]
    again, others = hashes(
        folder(), sql, [(order, lines), (["what", "who", more], [{"who": "v", more: "y"}])]
    )
    assert again == alone, "columns in another order, and a file beside it that has one more"
    assert len(others) == 1
    there = [{name: value for name, value in line.items() if value} for line in lines]
    pairs = zip(there, alone, strict=True)
    assert len({(tuple(sorted(line.items())), own) for line, own in pairs}) == len(set(alone)), (
        "lines that differ have hashes that do"
    )
    assert len(set(alone)) == len({tuple(sorted(line.items())) for line in there})


@pytest.mark.parametrize("sql", WAYS)
def test_values_that_are_names_of_columns_tell_lines_apart(tmp_path: Path, sql: str) -> None:
    lines = [{}, *({one: other} for one in NAMES for other in NAMES), {"who": "who", "what": "what"}]
    ((*found,),) = hashes(tmp_path, sql, [(NAMES, [{"price": "1", **line} for line in lines])])
    assert len(set(found)) == len(lines) == 18


@pytest.mark.parametrize("sql", WAYS)
def test_how_the_accents_of_a_name_are_written_makes_no_other_line(tmp_path: Path, sql: str) -> None:
    line = {"who": "u", "what": "i"}
    written = [{**line, normalize(form, "größe"): "7"} for form in ("NFC", "NFD")]
    for folder, several in (("one", written), ("other", written[::-1])):
        files = [([*each], [each, {**each, "what": f"{place}"}]) for place, each in enumerate(several)]
        found = hashes(tmp_path / folder, sql, files)
        assert found[0][0] == found[1][0] != found[0][1]


def test_a_kept_row_and_its_copy_count_once_beside_a_file_that_has_a_column_more(tmp_path: Path) -> None:
    more = ("channel",)
    shop, whole = Nights.of(tmp_path / "shop"), Nights.of(tmp_path / "whole")
    header = ("moment", "who", "what", "pieces")
    shop.deliver("sales-a.csv", row(ONE), row(ONE, "u2"))
    shop.deliver("sales-b.csv", row(ONE), row(TWO, "u3"))
    shop.night()
    (shop.data / "sales-a.csv").unlink()  # to an archive
    shop.deliver("sales-c.csv", (*row(ONE, "u4"), "shop"), header=header + more)
    assert shop.night().gone == ("sales-a.csv",)
    whole.deliver("sales-a.csv", row(ONE), row(ONE, "u2"))
    whole.deliver("sales-b.csv", row(ONE), row(TWO, "u3"))
    whole.deliver("sales-c.csv", (*row(ONE, "u4"), "shop"), header=header + more)
    whole.night()
    for columns in (("_file", "_line", "_row_hash"), ("_day", "_row_hash")):
        assert shop.events(*columns) == whole.events(*columns)
    assert len(set(shop.events("_day", "_row_hash"))) == 4, "the line of a and that of b are one"


TYPED = {
    "whole numbers of 32 and 64 bits": (pa.int32(), [1, -7], pa.int64()),
    "whole and broken numbers": (pa.int64(), [1, 100], pa.float64()),
    "32 bits and 64": (pa.float32(), [0.1, 1.25e20], pa.float64()),
    "places of a decimal": (pa.decimal128(9, 2), [Decimal("1.50"), Decimal("10.00")], pa.decimal128(18, 4)),
    "a decimal and a number": (pa.decimal128(9, 2), [Decimal("1.50"), Decimal("0.10")], pa.float64()),
    "days and times": (pa.date32(), [date(2024, 1, 1), date(2024, 1, 2)], pa.timestamp("us")),
}
"""Type of a column, its values, and the type that another file gives it."""


@pytest.mark.sampled(6)
@pytest.mark.parametrize("kind", TYPED)
def test_a_kept_row_of_parquet_and_its_copy_count_once_beside_a_file_of_another_type(
    kind: str, tmp_path: Path
) -> None:
    own, values, other = TYPED[kind]
    shop = Nights.of(tmp_path, raw_events=PARQUET)

    def deliver(name: str, who: list[str], type_: pa.DataType, given: list) -> None:
        columns = {"moment": [f"{ONE} 10:00:00"] * 2, "who": who, "what": ["i", "i"], "pieces": [1, 1]}
        pq.write_table(pa.table({**columns, "odd": pa.array(given, type_)}), shop.data / name)

    deliver("sales-a.parquet", ["u1", "u2"], own, values)
    shop.night()
    (shop.data / "sales-a.parquet").unlink()  # to an archive
    deliver("sales-b.parquet", ["u1", "u3"], own, values)
    deliver("sales-c.parquet", ["u4", "u4"], other, pa.array(values, own).cast(other).to_pylist())
    assert shop.night().gone == ("sales-a.parquet",)
    hashes = dict.fromkeys(shop.events("user_id", "_row_hash"))
    assert [user for user, _ in hashes] == ["u1", "u2", "u3", "u4", "u4"], (
        "the line of a and that of b are one"
    )
    assert len({own for _, own in hashes}) == 5


def _in_places(_: SourceQuery, scan: str = "") -> str:
    return f"CAST(hash(*COLUMNS({scan}* EXCLUDE (_file, _line))) & 2147483647 AS INTEGER)"


def _as_spelt(query: SourceQuery, scan: str = "", of: Callable[..., str] = shop_source._row_hash) -> str:
    return of(query, scan).replace(shop_source._PLAIN, "entry.value")


_WITH = f"WITH sold AS (SELECT * FROM {PARQUET.split('FROM ')[1]}) {PARQUET.split('FROM ')[0]} FROM sold"


@pytest.mark.sampled(3)
@pytest.mark.parametrize("form", [_in_places, _as_spelt])
@pytest.mark.parametrize("sql", [PARQUET, _WITH])
def test_a_row_kept_by_an_earlier_version_and_its_copy_count_once(
    sql: str, form: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Nights.of(tmp_path, raw_events=sql)
    one, other = row(ONE, "u1", 4.0), row(ONE, "u2", 2.0)
    shop.deliver("sales-a.parquet", one, other)
    with monkeypatch.context() as earlier:
        earlier.setattr(shop_source, "_row_hash", form)
        shop.night()
    before = shop.events("user_id", "_row_hash")
    (shop.data / "sales-a.parquet").unlink()  # to an archive
    shop.deliver("sales-b.parquet", one, row(ONE, "u3", 2.5))
    assert shop.night().gone == ("sales-a.parquet",)
    now = shop.events("user_id", "_row_hash")
    assert [user for user, _ in now] == ["u1", "u1", "u2", "u3"]
    assert now[0] == now[1] != before[0], "the row of a has the hash that its copy in b has"
    assert now[2] == before[1], "what no file tells again stays"
    # the hash of now is kept as it is
    shop.deliver("sales-c.parquet", row(ONE, "u4", 0.5))
    shop.night()
    assert shop.events("user_id", "_row_hash")[:4] == now
