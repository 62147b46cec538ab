"""Bad input: a file that cannot be read stops its own day and says what to do; everything else goes on."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.records.records import Records
from tests.platform.conftest import Shop, copied
from tests.platform.shop import DAYS, HEADER, Row, day_file, day_name, day_rows, write_day

NEW = DAYS
"""The day after the last; the tests deliver its file."""
CLEAN = "+group:clean"


def deliver(shop: Shop, rows: list[Row] | None = None, header: Row = HEADER, *, day: int = NEW) -> Path:
    """The file of a new day."""
    return write_day(shop.data / day_file(day), day_rows(day) if rows is None else rows, header)


def load(shop: Shop, *, fails: bool = False) -> str:
    """Load what is new into the raw and clean tables; returns what was said about failures."""
    done = shop.recsys("materialize", CLEAN, "--reuse")
    assert (done.exit_code != 0) is fails, done.output
    assert "Traceback" not in done.output
    return " ".join(done.stderr.split())


def days_with_events(shop: Shop) -> set[str]:
    return {day for day, held in shop.lake.version("raw_events").partitions.items() if held.rows}


def reconciled(shop: Shop) -> None:
    """Every raw row is accepted or rejected."""
    for raw, clean in (("raw_events", "events"), ("raw_users", "users"), ("raw_items", "items")):
        read, kept, refused = shop.rows(
            f"SELECT (SELECT count(*) FROM {{{raw}}}), (SELECT count(*) FROM {{{clean}}}), "
            f"(SELECT count(*) FROM {{rejected_rows}} WHERE table_name = '{raw}')"
        )[0]
        assert kept + refused == read, raw


def truncated_gzip(path: Path) -> Path:
    target = path.with_name(path.name + ".gz")
    whole = gzip.compress(path.read_bytes())
    target.write_bytes(whole[: len(whole) // 2])
    path.unlink()
    return target


def renamed(path: Path) -> Path:
    return write_day(path, day_rows(NEW), ("invoice", "product", "pieces", "price", "moment", "custmer"))


def without_a_column(path: Path) -> Path:
    return write_day(path, [row[:4] + row[5:] for row in day_rows(NEW)], HEADER[:4] + HEADER[5:])


def replaced(content: bytes) -> Callable[[Path], Path]:
    def replace(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return replace


LATIN = "".join(f"1,i1,1,1.0,2024-01-25 10:00:00,Zoë {n}\n" for n in range(50)).encode("latin-1")
FAULTS = {
    "a column is missing": (without_a_column, ["the column 'moment'", "Rename the column in the file"]),
    "a column is renamed": (renamed, ["'customer': Did you mean 'custmer'?"]),
    "the file is empty": (replaced(b""), ["an empty file (0 bytes)", "Deliver it again"]),
    "the file is no CSV": (replaced(b"\x00\x01\x02" * 300), ["expected a CSV file"]),
    "the file is a Parquet file": (
        replaced(b"PAR1 and more"),
        ["a Parquet file", "Read it with read_parquet"],
    ),
    "a gzip file is cut off": (
        truncated_gzip,
        ["a gzip file that ends too early (truncated)", "Deliver it again"],
    ),
    "the encoding is another": (
        replaced(",".join(HEADER).encode() + b"\n" + LATIN),
        ["no UTF-8 text", "It looks like cp1252 (Western Europe): name the encoding", "encoding = 'cp1252'"],
    ),
}


@pytest.mark.slow
def test_files_that_cannot_be_read_fail_their_days_and_no_other_until_they_are_mended(shop: Shop) -> None:
    before = shop.lake.version("raw_events").partitions
    good = NEW + len(FAULTS)
    deliver(shop, day=good)
    files = {}
    for day, (spoil, words) in enumerate(FAULTS.values(), NEW):
        files[day] = (spoil(deliver(shop, day=day)), words)

    said = load(shop, fails=True)
    asked = shop.recsys("materialize", "raw_events", "--from", day_name(NEW), "--to", day_name(good - 1))

    assert asked.exit_code == 1
    of_the_days = " ".join(asked.stderr.split())
    told = {
        path: fault
        for path, fault in shop.rows("SELECT path, fault FROM {source_files} WHERE status = 'faulty'")
    }
    assert set(told) == {file.name for file, _ in files.values()}
    for day, (file, words) in files.items():
        assert f"{file.name} was not loaded" in said and f"{day_name(day)} was not loaded" in said
        for word in (file.name, day_name(day), "materialize source_files", *words):
            assert word in of_the_days, (day_name(day), of_the_days)
        assert all(word in told[file.name] for word in words)
    now = shop.lake.version("raw_events").partitions
    assert {day: now[day] for day in before} == dict(before), "the other days are as they were"
    held = days_with_events(shop)
    assert day_name(good) in held, "and the other new one is loaded"
    assert not held & {day_name(day) for day in files}
    reconciled(shop)

    for day, (file, _) in files.items():
        file.unlink()
        deliver(shop, day=day)
    load(shop)
    loaded = dict(shop.rows("SELECT _file, count(*) FROM {raw_events} GROUP BY _file"))
    for day in files:
        assert loaded[day_file(day)] == len(day_rows(day)), "as if it had never been broken"
    reconciled(shop)


@pytest.mark.slow
def test_the_demo_goes_on_without_the_faulty_day_and_names_it(shop: Shop) -> None:
    deliver(shop).write_bytes(b"")
    done = shop.recsys("demo", "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert list(answer["faulty_days"]) == [day_name(NEW)]
    assert day_file(NEW) in answer["faulty_days"][day_name(NEW)]
    assert list(answer["files"]["faulty"]) == [day_file(NEW)]
    assert answer["rows_accepted"] + answer["rows_rejected"] == answer["rows_read"]


def test_a_loaded_file_that_becomes_unreadable_loses_nothing(shop: Shop) -> None:
    (shop.data / day_file(3)).write_bytes(b"")
    before = shop.lake.version("raw_events").partitions[day_name(3)]
    load(shop, fails=True)
    assert shop.lake.version("raw_events").partitions[day_name(3)] == before, "readers still see what it held"


def with_a_damaged_page(content: bytes) -> bytes:
    """Still a Parquet file with a good footer."""
    return content[:8] + bytes(400) + content[408:]


DAMAGES = (
    (lambda _: b"not a parquet file at all", "expected a Parquet file"),
    (with_a_damaged_page, "a page that cannot be read"),
)


@pytest.mark.slow
def test_a_table_whose_only_file_is_damaged_fails_and_the_rest_goes_on(shop: Shop) -> None:
    products = shop.data / "products.parquet"
    whole = products.read_bytes()
    for day, (damage, words) in enumerate(DAMAGES, NEW):
        products.write_bytes(damage(whole))
        deliver(shop, day=day)
        said = load(shop, fails=True)
        assert "raw_items cannot be loaded" in said and "products.parquet: " in said and words in said
        assert "materialize source_files, then raw_items" in said
        assert day_name(day) in days_with_events(shop), "the new day's events are loaded"
        assert shop.lake.version("items").rows == 160, "the products that were known are not lost"
    demo = shop.recsys("demo", "--json")
    assert demo.exit_code == 1
    assert DAMAGES[-1][1] in " ".join(demo.stderr.split())


LONG = ("1", "i1", "1", "1.0", f"{day_name(NEW)} 10:00:00", "u1", "and", "more")
MANY = ("1", "i1", "many", "1.0", f"{day_name(NEW)} 10:00:00", "u1")
SOON = ("1", "i1", "1", "1.0", "soon", "u1")


WRONG = ((LONG, "malformed row", "8"), (MANY, "quantity", "'many'"), (SOON, "time", "'soon'"))


@dataclass(frozen=True)
class Night:
    """A night with a file of wrong rows, one without rows, one delivered twice and one that changed since."""

    shop: Shop
    before: TableVersion
    """raw_events as it was."""

    @property
    def added(self) -> int:
        """Rows that the new file brought."""
        return self.shop.lake.version("raw_events").partitions[day_name(NEW)].rows


EMPTY = NEW + 1
TWICE, AGAIN = day_file(6), "sales-2024-01-07-again.csv"


@pytest.fixture(scope="module")
def night(original: Shop, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The built shop after that night; look, do not touch."""
    shop = copied(original, tmp_path_factory.mktemp("night"))
    before = shop.lake.version("raw_events")
    deliver(shop, [*day_rows(NEW)[10:13], *(row for row, _, _ in WRONG)])
    deliver(shop, rows=[], day=EMPTY)
    shutil.copy(shop.data / TWICE, shop.data / AGAIN)
    write_day(shop.data / day_file(5), day_rows(5)[:-10])
    load(shop)
    return Night(shop, before)


def test_every_row_of_such_a_night_is_accepted_or_rejected(night: Night) -> None:
    reconciled(night.shop)


def test_a_row_that_is_wrong_is_kept_with_reason_file_and_line(night: Night) -> None:
    found = night.shop.rows(
        f"SELECT reason, detail, _line, raw_row FROM {{rejected_rows}} WHERE _file = '{day_file(NEW)}' ORDER BY _line"
    )
    assert len(found) == len(WRONG)
    for at, ((row, reason, detail), (why, what, line, raw)) in enumerate(zip(WRONG, found, strict=True), 5):
        assert reason in why and detail in what and line == at
        assert all(field in raw for field in row if field)


def test_a_file_delivered_twice_is_loaded_once(night: Night) -> None:
    day = night.shop.lake.version("raw_events").partitions[day_name(6)]
    assert day == night.before.partitions[day_name(6)]
    assert night.shop.rows("SELECT path, duplicate_of FROM {source_files} WHERE status = 'duplicate'") == [
        (AGAIN, TWICE)
    ]
    failed = {check.name for check in Records(night.shop.lake).get("source_files").checks if not check.passed}
    assert failed == {"no_file_twice", "no_file_changed"}


@pytest.mark.slow
def test_a_file_that_is_compressed_is_the_same_file(shop: Shop) -> None:
    days = "SELECT * EXCLUDE (_file) FROM {raw_events} ORDER BY ALL"
    others = "SELECT status FROM {source_files} WHERE status <> 'loaded'"
    before = shop.rows(days)
    plain = shop.data / day_file(5)
    content = plain.read_bytes()
    packed = plain.with_name(f"{plain.name}.gz")
    packed.write_bytes(gzip.compress(content, mtime=1))
    load(shop)
    assert (shop.rows(days), shop.rows(others)) == (before, [("duplicate",)])
    plain.unlink()
    load(shop)
    assert (shop.rows(days), shop.rows(others)) == (before, [])
    # packed once more by another program: other bytes, the same content
    packed.unlink()
    again = shop.data / day_file(5).replace(".csv", "-again.csv.gz")
    again.write_bytes(gzip.compress(content, compresslevel=1, mtime=2))
    load(shop)
    assert (shop.rows(days), shop.rows(others)) == (before, [])


@pytest.mark.slow
def test_a_file_that_is_gone_is_told_and_given_up_when_somebody_says_so(shop: Shop) -> None:
    before = shop.lake.version("raw_events")
    (shop.data / day_file(5)).unlink()
    done = shop.recsys("materialize", CLEAN, "--reuse")
    assert (
        done.exit_code == 0
        and f"1 files that were loaded are gone; their rows are kept: {day_file(5)}" in done.output
    )
    assert day_file(5) in shop.recsys("status").output
    assert shop.lake.version("raw_events").fingerprint == before.fingerprint
    wrong = shop.recsys("forget", day_file(5).replace("sales", "sale"))
    assert wrong.exit_code == 1 and f"Did you mean '{day_file(5)}'" in wrong.stderr
    assert shop.recsys("forget", day_file(5)).exit_code == 0
    now = shop.lake.version("raw_events")
    assert not now.partitions[day_name(5)].rows
    assert now.rows == before.rows - before.partitions[day_name(5)].rows
    assert day_file(5) not in shop.recsys("status").output


@pytest.mark.slow
def test_a_file_that_is_gone_before_it_was_loaded_is_not_said_to_be_kept(shop: Shop) -> None:
    file = shop.data / day_file(DAYS)
    write_day(file, day_rows(DAYS))
    assert shop.recsys("materialize", "source_files").exit_code == 0
    file.unlink()
    done = shop.recsys("materialize", "group:raw")
    assert done.exit_code == 1
    assert f"{day_name(DAYS)} was not loaded" in done.stderr and "was never loaded" in done.stderr
    assert "rows are kept" not in done.output + done.stderr
    write_day(file, day_rows(DAYS))
    done = shop.recsys("materialize", "group:raw")
    assert done.exit_code == 0, done.output + done.stderr


def test_a_day_of_a_table_without_days_is_refused(shop: Shop) -> None:
    done = shop.recsys("materialize", "key:raw_events or key:events", "--partition", day_name(3))
    assert done.exit_code == 1
    assert "not partitioned by day" in done.stderr and "Found: events" in done.stderr


def test_a_file_changed_after_it_was_loaded_is_noticed_and_only_its_day_is_rewritten(night: Night) -> None:
    shop, before = night.shop, night.before
    (check,) = [c for c in Records(shop.lake).get("source_files").checks if c.name == "no_file_changed"]
    assert not check.passed and day_file(5) in check.found
    after = shop.lake.version("raw_events")
    assert after.version == before.version + 1
    assert {day for day in before.partitions if before.partitions[day] != after.partitions[day]} == {
        day_name(5)
    }
    assert set(Records(shop.lake).get("raw_events").partitions or ()) - {day_name(EMPTY)} == {
        day_name(5),
        day_name(NEW),
    }
    assert after.rows == before.rows - 10 + night.added
    assert shop.lake.version("raw_events", before.version).rows == before.rows, (
        "the old content is still there"
    )


def test_a_day_without_events_is_a_file_with_its_header_only(night: Night) -> None:
    shop = night.shop
    assert shop.rows(f"SELECT status, rows FROM {{source_files}} WHERE path = '{day_file(EMPTY)}'") == [
        ("loaded", 0)
    ]
    assert day_name(EMPTY) not in days_with_events(shop)


@pytest.mark.slow
def test_a_customer_and_a_product_that_only_events_name_are_kept(shop: Shop) -> None:
    deliver(shop, [("9", "i9999", "1", "2.0", f"{day_name(NEW)} 10:00:00", "u9999")])
    done = shop.recsys("materialize", "+group:features", "--reuse")
    assert done.exit_code == 0, done.output
    assert shop.rows("SELECT count(*) FROM {events} WHERE user_id = 'u9999' AND item_id = 'i9999'") == [(1,)]
    assert shop.rows("SELECT described FROM {user_profiles} WHERE user_id = 'u9999'") == [(False,)]
    assert shop.rows("SELECT described FROM {item_profiles} WHERE item_id = 'i9999'") == [(False,)]


def test_an_empty_data_folder_is_named(new_shop: Shop) -> None:
    shutil.rmtree(new_shop.data)
    new_shop.data.mkdir()
    done = new_shop.recsys("demo")
    assert done.exit_code == 1
    said = " ".join(done.stderr.split())
    assert "holds no file of the source" in said and str(new_shop.data) in said and "sales-*.csv" in said


def test_a_home_that_cannot_be_made_is_named(new_shop: Shop) -> None:
    new_shop.home.write_text("a file, where the home should be")
    done = new_shop.recsys("demo")
    assert done.exit_code == 1
    said = " ".join(done.stderr.split())
    assert str(new_shop.home) in said and "set RECSYS_HOME to another folder" in said


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 8 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_named_and_the_run_after_there_is_room_completes(
    small_disk: Path, new_shop: Shop, original: Shop
) -> None:
    lake = {"RECSYS_LAKE": str(small_disk / "lake")}
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(8 * 2**20 - 100_000))

    full = new_shop.recsys("materialize", CLEAN, **lake)

    assert full.exit_code == 1
    said = " ".join(full.stderr.split())
    assert "No space left" in said or "full" in said, said
    assert "Traceback" not in full.output
    ballast.unlink()
    done = new_shop.recsys("materialize", CLEAN, **lake)
    assert done.exit_code == 0, done.output
    status = json.loads(new_shop.recsys("status", "--json", **lake).stdout)["assets"]
    wanted = original.tables()
    for name in ("raw_events", "events", "users", "items", "promotions", "rejected_rows"):
        assert status[name]["fingerprint"] == wanted[name]["fingerprint"], name
