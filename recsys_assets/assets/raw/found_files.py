"""The rows of `source_files`, and the queries of other assets over them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from recsys_assets.assets.schema import types_of
from recsys_assets.shop.source import NamedScan
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.parts.seen import digest_of

EVENT_DAYS_NAME = "event_days"
"""Name of the partitions by event day. Files' and service's events share them: a Dagster job has one partitioning."""


class SourceFilesColumns:
    """Columns of `source_files`, one row a file and pattern."""

    path = pl.String
    """The file, below the data folder."""
    pattern = pl.String
    """The pattern of the source's SQL that it fits."""
    sha256 = pl.String
    """Hash of the file."""
    content = pl.String
    """Hash of its content, unpacked if the file is compressed; for a faulty file, of its last readable content."""
    bytes = pl.Int64
    """Its size."""
    rows = pl.Int64
    """Its rows, malformed ones too; null where it cannot be read."""
    malformed = pl.Int64
    """Rows with too many or too few fields."""
    given = pl.Int64
    """Rows that it contributes to raw_events, or its rows if it is of another table; for a faulty file, the last known
    number."""
    arrival = pl.Datetime("us")
    """Time of its last change, in UTC."""
    status = pl.String
    """loaded, faulty (it cannot be read), duplicate (another file has its content, or had it before the fault, and its
    path means the same), gone (it was loaded and then deleted; its rows are kept) or forgotten (a person decided to
    leave it out)."""
    duplicate_of = pl.String
    """The file that a duplicate repeats."""
    fault = pl.String
    """Fault of a file that cannot be read, with advice; null for others."""
    days = pl.List(pl.Date)
    """The days of its events; empty for files that hold no events, and for faulty ones of which no day is known."""


SCHEMA = types_of(SourceFilesColumns)


def newest_files(lake: Lake) -> pl.DataFrame:
    """The newest `source_files`; empty before the first version."""
    if not lake.has("source_files"):
        return pl.DataFrame(schema=SCHEMA)
    return as_found(lake.scan(lake.version("source_files")).collect())


def as_found(files: pl.DataFrame) -> pl.DataFrame:
    """A version of `source_files`, converted to today's columns if it is an older one."""
    if "given" not in files.columns:
        files = files.with_columns(given=pl.col("rows"))
    if "content" not in files.columns:
        files = files.with_columns(content=pl.col("sha256"))
    return files.select(pl.col(name).cast(held) for name, held in SCHEMA.items())


def with_status(files: pl.DataFrame, scans: Iterable[NamedScan], *statuses: str) -> pl.DataFrame:
    """The rows of some scans that have one of the statuses."""
    patterns = [named.scan.described() for named in scans]
    return files.filter(pl.col("pattern").is_in(patterns) & pl.col("status").is_in(statuses))


def without_files(files: pl.DataFrame, scans: Iterable[NamedScan]) -> str:
    """The reason why scans give nothing, if no file fits any of their patterns or ever did; else empty."""
    patterns = {named.scan.described(): named.scan.pattern for named in scans}
    if not patterns or not files.filter(pl.col("pattern").is_in([*patterns])).is_empty():
        return ""
    return f"no file fits {' or '.join(map(repr, sorted({*patterns.values()})))}"


def loadable(files: pl.DataFrame, scans: Iterable[NamedScan]) -> dict[NamedScan, pl.DataFrame]:
    """The rows that can be loaded, for each scan."""
    return {named: with_status(files, [named], "loaded") for named in scans}


@dataclass(frozen=True)
class FaultyFile:
    """A file that cannot be read, and its fault in words."""

    sha256: str
    fault: str


def faulty_days(files: pl.DataFrame) -> dict[str, list[FaultyFile]]:
    """The faulty files by the days that they hold, as far as is known."""
    days: dict[str, list[FaultyFile]] = defaultdict(list)
    faulty = files.filter(pl.col("status") == "faulty").explode("days").drop_nulls("days").sort("days")
    for day, sha256, fault in faulty.select("days", "sha256", "fault").iter_rows():
        days[str(day)].append(FaultyFile(sha256, fault))
    return dict(days)


def inputs_digest(files: Iterable[tuple[str, str]], code_version: str) -> str:
    """A short hash of (path, sha256) pairs and of the code that reads them."""
    return digest_of(repr((sorted(files), code_version)), length=16)
