"""Nights of a small shop without an orchestrator: a folder of files, a source, and the raw tables made from both."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from recsys_assets.assets.raw import raw_tables as raw
from recsys_assets.assets.raw import source_files
from recsys_assets.assets.raw.found_files import newest_files
from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_assets.runs.load_report import LoadReport, load_report
from recsys_assets.shop.loaded_source import load_source
from recsys_lineage.assets.asset_code import AssetCode, Request
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.defined_assets import asset_codes

ONE, TWO, THREE = DAYS = ("2024-01-01", "2024-01-02", "2024-01-03")
COLUMNS = ("moment", "who", "what", "pieces")
CSV = (
    "SELECT moment AS event_time, who AS user_id, what AS item_id, pieces AS quantity, _file, _line "
    "FROM read_csv('sales*.csv')"
)
PARQUET = CSV.replace("read_csv('sales*.csv')", "read_parquet('sales*.parquet')")


def row(day: str, who: object = "u1", pieces: object = "1") -> tuple:
    """A line of sales at ten o'clock, with the columns of `COLUMNS`."""
    return (f"{day} 10:00:00", who, "i1", pieces)


def is_empty(name: str, content: bytes) -> bool:
    """Whether a file holds no row, but perhaps a header; such files are no copies of each other."""
    if name.endswith("csv"):
        return content.count(b"\n") <= 1
    return pq.read_metadata(io.BytesIO(content)).num_rows == 0


@dataclass(frozen=True)
class Nights:
    """A shop below one folder: `source`, `data` and `lake`."""

    folder: Path

    @classmethod
    def of(cls, folder: Path, **sql: str) -> Nights:
        """A shop whose source has these files, named by their stems; raw_events reads `sales*.csv` where not told."""
        shop = cls(folder)
        shop.data.mkdir(parents=True)
        shop.mend(**{"raw_events": CSV, **sql})
        return shop

    @property
    def data(self) -> Path:
        """Its files."""
        return self.folder / "data"

    @property
    def lake(self) -> Lake:
        """Its tables."""
        return Lake(str(self.folder / "lake"), Engine(threads=1, memory_limit="500MB"))

    @property
    def source(self) -> SourceFolder:
        """Its source, as it is now."""
        return SourceFolder(load_source(self.folder / "source"), self.data)

    def mend(self, **sql: str) -> None:
        """Write files of the source."""
        (self.folder / "source").mkdir(exist_ok=True)
        for name, text in sql.items():
            suffix = "toml" if name == "source" else "sql"
            (self.folder / "source" / f"{name}.{suffix}").write_text(text)

    def deliver(self, name: str, *rows: tuple, header: tuple[str, ...] = COLUMNS) -> Path:
        """Write a file of rows: CSV, or Parquet with the types that the values have."""
        path = self.data / name
        path.parent.mkdir(exist_ok=True)
        if path.suffix == ".parquet":
            columns = list(zip(*rows, strict=True)) if rows else [[] for _ in header]
            pq.write_table(pa.table(dict(zip(header, map(list, columns), strict=True))), path)
        else:
            with path.open("w", newline="") as stream:
                csv.writer(stream).writerows([header, *rows])
        os.utime(path, (1.7e9, 1.7e9))
        return path

    def night(
        self, *, forget: Collection[str] = (), reuse: bool = True, day: str | None = None
    ) -> LoadReport:
        """Look at the files and load what is new; what was not loaded, at the end."""
        codes = self.codes(forget)
        materialize(codes["source_files"], self.lake, Request(reuse=reuse and not forget))
        more = (name for name in raw.TABLES if name in self.source.source.queries or self.lake.has(name))
        for table in dict.fromkeys(["raw_events", "raw_users", *more]):
            days = [day] if day is not None and table == "raw_events" else None
            materialize(codes[table], self.lake, Request(reuse=reuse, partitions=days))
        return load_report(self.lake, self.source, codes["raw_events"].code_version, loaded=True)

    def emptied(self, report: LoadReport) -> LoadReport:
        """What is not loaded once the days are given up that only the former content of replaced files had."""
        kept = {
            day
            for day, reasons in report.days.items()
            if all("other content now" in text for text in reasons)
        }
        for day in sorted(kept.union(report.passed)):
            self.night(day=day)
        return self.night() if kept or report.passed else report

    def codes(self, forget: Collection[str] = ()) -> Mapping[str, AssetCode]:
        """The code of `source_files` and of the raw tables."""
        return asset_codes([source_files.asset(self.source, forget), *raw.assets(self.source)])

    def events(self, *columns: str) -> list[tuple[Any, ...]]:
        """The rows of raw_events as text, sorted."""
        names = columns or ("event_time", "user_id", "item_id", "quantity", "_file", "_line", "_day")
        return self.rows("raw_events", *names)

    def rows(self, table: str, *names: str) -> list[tuple[Any, ...]]:
        """Columns of a table as text, sorted."""
        lake = self.lake
        with lake.connect() as connection:
            chosen = ", ".join(f"CAST({name} AS VARCHAR)" for name in names)
            found = connection.sql(f"SELECT {chosen} FROM {lake.relation(lake.version(table))}")
            return sorted(found.fetchall(), key=repr)

    def statuses(self) -> dict[str, str]:
        """The status of each file."""
        return dict(newest_files(self.lake).select("path", "status").iter_rows())
