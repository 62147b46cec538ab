"""Which files a source has."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime, timezone
from pathlib import Path
from unicodedata import normalize

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from recsys_lineage.errors import NoDataFolder, SourceSqlError
from recsys_lineage.files import deduplicate, list_files, source_file
from tests.files.delta_tables import delete_rows_0_and_2


def test_files_are_listed_in_path_order_with_the_landing_folder_last(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    for name in ("landing/a.csv", "z.csv", "b.csv", "c.txt", ".hidden.csv", "a.csv.gz"):
        (tmp_path / name).write_text(name)
    os.utime(tmp_path / "b.csv", (86400, 86400))
    files = list_files(tmp_path, "*.csv")
    assert [file.path for file in files] == ["a.csv.gz", "b.csv", "z.csv", "landing/a.csv"]
    assert files[1].sha256 == hashlib.sha256(b"b.csv").hexdigest()
    assert files[1].bytes == 5
    assert files[1].modified == datetime(1970, 1, 2, tzinfo=timezone.utc)


def test_letters_of_a_pattern_match_in_either_case(tmp_path: Path) -> None:
    for name in ("Day.CSV", "DAY2.csv.GZ", "day3.Csv", "night.csv", "dbx.csv"):
        (tmp_path / name).write_text(name)
    assert [file.path for file in list_files(tmp_path, "day*.csv")] == ["DAY2.csv.GZ", "Day.CSV", "day3.Csv"]
    assert [file.path for file in list_files(tmp_path, "d[b-c]x.csv")] == ["dbx.csv"]


def test_a_name_s_accents_match_however_they_are_written(tmp_path: Path) -> None:
    names = [normalize(form, f"märz-{number}.csv") for number, form in enumerate(("NFC", "NFD"))]
    for name in names:
        (tmp_path / name).write_text(name)
    for form in ("NFC", "NFD"):
        assert {file.path for file in list_files(tmp_path, normalize(form, "märz-*.csv"))} == {*names}


def test_what_an_office_program_puts_beside_an_open_file_is_no_file_of_the_shop(tmp_path: Path) -> None:
    for name in ("orders.csv", "~$orders.csv", "._orders.csv", "~orders.csv"):
        (tmp_path / name).write_text(name)
    assert [file.path for file in list_files(tmp_path, "*.csv")] == ["orders.csv", "~orders.csv"]


def test_a_pattern_for_all_folders_lists_each_file_once(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing/a.csv").write_text("a")
    assert [file.path for file in list_files(tmp_path, "**/*.csv")] == ["landing/a.csv"]


@pytest.mark.parametrize("pattern", ["../*.csv", "/etc/passwd", "a/../../b", "", "~/x.csv"])
def test_a_pattern_that_leads_outside_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(SourceSqlError, match="relative to the data folder"):
        list_files(tmp_path, pattern)


def test_a_link_that_leads_outside_is_listed_with_its_fault(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "secret.csv").write_text("secret")
    (data / "inside.csv").write_text("x")
    (data / "link.csv").symlink_to(tmp_path / "secret.csv")
    (data / "fine.csv").symlink_to(data / "inside.csv")
    (data / "nowhere.csv").symlink_to(data / "gone")
    files = {file.path: file for file in list_files(data, "*.csv")}
    assert "outside" in str(files["link.csv"].fault)
    assert files["link.csv"].sha256 == ""
    assert "nowhere.csv: expected a readable file" in str(files["nowhere.csv"].fault)
    assert files["fine.csv"].fault is None


def test_a_link_to_another_of_the_files_is_a_copy_of_it_whatever_their_names_mean(tmp_path: Path) -> None:
    (tmp_path / "2024-01-02").mkdir()
    for name in ("2024-01-01.csv", "2024-01-02/day.csv"):
        (tmp_path / name).write_text(name)
    (tmp_path / "latest.csv").symlink_to("2024-01-01.csv")
    (tmp_path / "now").symlink_to("2024-01-02")
    files = list_files(tmp_path, "*.csv") + list_files(tmp_path, "*/*.csv")
    unique, copies = deduplicate(files, {file.path: file.path for file in files})
    assert {file.path for file in unique} == {"2024-01-01.csv", "2024-01-02/day.csv"}
    assert {copy.file.path: copy.duplicate_of for copy in copies} == {
        "latest.csv": "2024-01-01.csv",
        "now/day.csv": "2024-01-02/day.csv",
    }
    alone = list_files(tmp_path, "latest*")
    assert [file.path for file in deduplicate(alone)[0]] == ["latest.csv"]


def test_what_jobs_keep_in_a_folder_of_files_is_no_file_of_the_source(tmp_path: Path) -> None:
    of_jobs = (
        "_SUCCESS",
        "_temporary/0/part-2.csv",
        "_delta_log/1.csv",
        "_started_12",
        ".part-0.csv.crc",
        "_metadata",
    )
    files = ("part-0.csv", "_orders.csv", "_success_stories/part-1.csv")
    for name in (*of_jobs, *files):
        (tmp_path / "orders" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "orders" / name).write_text("a")
    found = {file.path.removeprefix("orders/") for file in list_files(tmp_path, "orders/**/*")}
    assert found == {*files}


def test_files_that_a_delta_table_no_longer_has_are_left_out(tmp_path: Path) -> None:
    table = tmp_path / "in" / "or ders"
    frame = pa.table({"a": [1], "day": ["x=1 ü"]})
    write_deltalake(table, frame, partition_by=["day"])
    before = {file.path for file in list_files(tmp_path, "**/*.parquet")}
    write_deltalake(table, frame, mode="append")
    appended = {file.path for file in list_files(tmp_path, "**/*.parquet")}
    assert len(before) == 1 and before < appended and len(appended) == 2
    write_deltalake(table, frame, mode="overwrite")
    (now,) = {file.path for file in list_files(tmp_path, "**/*.parquet")}
    assert now not in appended


def test_no_file_of_a_table_that_does_not_tell_its_rows_is_loaded(tmp_path: Path) -> None:
    frame = pa.table({"a": [1, 2, 3]})
    for folder in ("log", "vector", "hudi", "iceberg/data", "plain/metadata"):
        (tmp_path / folder).mkdir(parents=True)
        pq.write_table(frame, tmp_path / folder / "part.parquet")
    (tmp_path / "log" / "_delta_log").mkdir()
    (tmp_path / "log" / "_delta_log" / f"{0:020d}.json").write_text("no JSON")
    (tmp_path / "hudi" / ".hoodie").mkdir()
    (tmp_path / "iceberg" / "metadata").mkdir()
    (tmp_path / "iceberg" / "metadata" / "00000-ab.metadata.json").write_text("{}")
    (tmp_path / "vector" / "part.parquet").unlink()
    write_deltalake(tmp_path / "vector", frame)
    write_deltalake(tmp_path / "vector", frame, mode="append")
    delete_rows_0_and_2(tmp_path / "vector")

    files = list_files(tmp_path, "**/*.parquet")
    faults = {Path(file.path).parts[0]: str(file.fault) for file in files if file.fault}
    assert faults.keys() == {"log", "vector", "hudi", "iceberg"}
    assert "log cannot be read" in faults["log"] and "completely" in faults["log"]
    assert "deletion vector" in faults["vector"] and "PURGE" in faults["vector"]
    assert "Hudi" in faults["hudi"] and "iceberg_scan" in faults["iceberg"]
    loadable = sorted(Path(file.path).parts[0] for file in files if not file.fault)
    assert loadable == ["plain", "vector"], "the table's other file has all of its rows"


def test_a_missing_folder_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(NoDataFolder, match=rf"Where: {tmp_path}/none[\s\S]*name the folder"):
        list_files(tmp_path / "none", "*.csv")


def test_a_file_delivered_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    for name in ("landing/a.csv", "b.csv", "c.csv"):
        (tmp_path / name).write_text("a\n1\n")
    (tmp_path / "d.csv").write_text("a\n2\n")
    for name in ("e.csv", "f.csv"):
        (tmp_path / name).write_text("")
    unique, duplicates = deduplicate(reversed(list_files(tmp_path, "*.csv")))
    assert [file.path for file in unique] == ["b.csv", "d.csv", "e.csv", "f.csv"]
    assert [(twin.file.path, twin.duplicate_of) for twin in duplicates] == [
        ("c.csv", "b.csv"),
        ("landing/a.csv", "b.csv"),
    ]


def test_a_changed_file_has_another_sha256(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    os.utime(path, (0, 0))
    before = list_files(tmp_path, "*.csv")
    path.write_text("a\n2\n")
    os.utime(path, (0, 0))
    after = list_files(tmp_path, "*.csv")
    assert before[0].sha256 != after[0].sha256
    assert before[0].modified == after[0].modified


def test_a_file_that_stays_as_it_is_is_read_once_and_one_that_changes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "day.csv"
    path.write_text("a")
    read: list[Path] = []
    sha256 = source_file._sha256

    def counted(path: Path) -> str:
        read.append(path)
        return sha256(path)

    monkeypatch.setattr(source_file, "_sha256", counted)
    now = source_file.time.time_ns
    assert len({list_files(tmp_path, "*.csv")[0].sha256 for _ in range(2)}) == 1
    assert len(read) == 2, "a change in this very moment might not show in the file's times"
    monkeypatch.setattr(source_file.time, "time_ns", lambda: now() + 10_000_000_000)
    for _ in range(3):
        assert list_files(tmp_path, "*.csv")[0].sha256 == hashlib.sha256(b"a").hexdigest()
    assert len(read) == 3
    times = path.stat()
    path.write_text("b")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert list_files(tmp_path, "*.csv")[0].sha256 == hashlib.sha256(b"b").hexdigest()
    path.rename(tmp_path / "copy.csv")
    path.write_text("a")
    assert [file.sha256 for file in list_files(tmp_path, "*.csv")] == [
        hashlib.sha256(content).hexdigest() for content in (b"b", b"a")
    ]
