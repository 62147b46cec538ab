"""Batch: new records of one lake as columns of numbers, from which the graph is built."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from recsys_lineage.graph.interned import Interned
from recsys_lineage.records.records import Records
from recsys_lineage.records.table.record_row import declared_column, lineage_hash_column

_MARK, ROOT = "\x1f", "\x1e"
_PLAIN = (
    "kind", "id", "asset", "version", "status", "started", "ended", "run_id", "job", "code_location", "kept", "rows",
    "failure", "fingerprint",
)  # fmt: skip
_HASHED = ("lineage", "schema")
PURPOSES = ("input", "previous", "check")
"""Purposes of reads; each is stored as its index here."""


@dataclass
class Names:
    """The texts in records, each with a number that is the same in every batch.

    Attributes:
        lakes: their URLs.
        tables: a lake's number and a table's name.
        files: root, path and sha256.
        sets: sets of partitions, or of columns.
        hashes: of column lineages and schemas; `texts` has the JSON of each.
        declared: JSON arrays of the tables that code declared.
        foreign: those entries of `lakes` that are namespaces of other systems' datasets.
    """

    lakes: Interned = field(default_factory=Interned)
    tables: Interned = field(default_factory=Interned)
    files: Interned = field(default_factory=Interned)
    sets: Interned = field(default_factory=Interned)
    hashes: Interned = field(default_factory=Interned)
    declared: Interned = field(default_factory=Interned)
    texts: dict[int, str] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)

    def table(self, number: int) -> tuple[str, str]:
        """The lake's URL and the table's name."""
        lake, _, name = self.tables[number].partition(ROOT)
        return self.lakes[int(lake)], name

    def file(self, number: int) -> tuple[str | None, str, str]:
        """A file's root, path and sha256."""
        root, path, sha256 = self.files[number].split(ROOT)
        return root or None, path, sha256

    def set(self, number: int) -> tuple[str, ...]:
        """The partitions or columns of a set."""
        return tuple(self.sets[number].split(_MARK)[1:])


@dataclass(frozen=True)
class Batch:
    """Records in the order in which they were added.

    Attributes:
        records: one row a record; `asset`, `partitions`, `lineage`, `schema` and `declared` as numbers of `Names`.
        reads: one row a read; `row` is the row of its record, `table` and `version` or `file` identify the input, the
            others are numbers of `Names`; `NOTHING` stands for all partitions, or for unknown columns.
    """

    records: pl.DataFrame
    reads: pl.DataFrame

    def until(self, moment: datetime) -> Batch:
        """The records that ended at a moment or before."""
        kept = self.records.with_row_index("row").filter(pl.col("ended") <= moment)
        if kept.height == self.records.height:
            return self
        rows = kept.select("row", pl.int_range(pl.len(), dtype=pl.UInt32).alias("new"))
        reads = self.reads.join(rows, on="row", how="inner", maintain_order="left")
        return Batch(kept.drop("row"), reads.with_columns(pl.col("new").alias("row")).drop("new"))

    def divided(self, row: int) -> tuple[Batch, Batch]:
        """The records before a row, and those from it on."""
        reads = self.reads
        later = reads.filter(pl.col("row") >= row).with_columns(pl.col("row") - row)
        first = Batch(self.records[:row], reads.filter(pl.col("row") < row))
        return first, Batch(self.records[row:], later)


@dataclass(frozen=True)
class FileJoin:
    """A file that another system made.

    Attributes:
        table, version: its dataset and version, as numbers of `Names`.
        file: the number of the file.
        ended: the time when it was written.
    """

    table: int
    version: int
    file: int
    ended: datetime


def read_batch(records: Records, names: Names, since: int | None = None) -> tuple[Batch, int | None]:
    """The records added to a lake after a cursor, and the new cursor (see `Records.read`).

    Args:
        records: the lake's records.
        names: new texts are added to it.
        since: the cursor of the previous call; all records when None.
    """
    columns = [*_PLAIN, pl.col("schema_hash").alias("schema"), _joined("partitions"), *_from_rest(), _reads()]
    frame, cursor = records.table(since, columns)
    lake = f"{names.lakes.number(records.lake.uri)}{ROOT}"
    named = {hash_ for column in _HASHED for hash_ in frame[column].unique().drop_nulls()}
    for hash_, text in records.texts([hash_ for hash_ in named if names.hashes.find(hash_) is None]).items():
        names.texts[names.hashes.number(hash_)] = text
    reads = frame.lazy().select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"), "reads")
    reads = reads.filter(pl.col("reads").list.len() > 0).explode("reads").unnest("reads").collect()
    frame = frame.drop("reads").with_columns(
        names.tables.numbers(frame["asset"], lake),
        names.sets.numbers(frame["partitions"]),
        names.declared.numbers(frame["declared"]),
        *(names.hashes.numbers(frame[column]) for column in _HASHED),
    )
    reads = reads.with_columns(
        names.tables.numbers(reads["table"], lake),
        names.files.numbers(reads["file"]),
        names.sets.numbers(reads["partitions"]),
        names.sets.numbers(reads["columns"]),
    )
    return Batch(frame, reads), cursor


def _from_rest() -> tuple[pl.Expr, pl.Expr]:
    return lineage_hash_column().alias("lineage"), declared_column().alias("declared")


def _reads() -> pl.Expr:
    read = pl.element().struct
    is_file = read.field("kind") == "file"
    name = read.field("name")
    file = pl.concat_str(
        read.field("root").fill_null(""), name, read.field("fingerprint").fill_null(""), separator=ROOT
    )
    purpose = pl.lit(PURPOSES.index("check"), pl.UInt8)
    for number, each in enumerate(PURPOSES):
        purpose = pl.when(read.field("purpose") == each).then(pl.lit(number, pl.UInt8)).otherwise(purpose)
    fields = [
        pl.when(~is_file).then(name).alias("table"),
        pl.when(is_file).then(file).alias("file"),
        read.field("version").alias("version"),
        purpose.alias("purpose"),
        _set(read.field("partitions")).alias("partitions"),
        _set(read.field("columns")).alias("columns"),
    ]
    return pl.col("reads").list.eval(pl.struct(fields))


def _joined(column: str) -> pl.Expr:
    return _set(pl.col(column)).alias(column)


def _set(lists: pl.Expr) -> pl.Expr:
    """A list of names as one text: null for null, empty for an empty one."""
    begun = pl.when(lists.list.len() > 0).then(pl.lit(_MARK)).otherwise(pl.lit(""))
    return pl.when(lists.is_not_null()).then(begun + lists.list.join(_MARK))
