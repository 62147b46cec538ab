"""Tagged: the columns of the latest versions with tagged data, and the origins of their tags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from recsys_lineage.columns.tags import Tag
from recsys_lineage.errors import WrongQuestion, did_you_mean, meant_or_known
from recsys_lineage.graph.questions.answers import Answer, AsOf
from recsys_lineage.graph.questions.target import no_records
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.records import RESERVED, Records


@dataclass(frozen=True)
class TaggedColumn(Answer):
    """A column and its tags.

    Attributes:
        asset: the table.
        version: its latest version, or that at the requested time, as `orders@3`.
        column: the column.
        tags: as written; with `+indirect` if columns inherit them even where this column only decides rows or values.
        sources: the columns from which it inherits them, as `orders@3.customer`; empty if the asset's own code declares
            all.
    """

    asset: str
    version: str
    column: str
    tags: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Tagged(Answer):
    """The tagged columns of a lake; `target` is the requested tag, table or column, None for all."""

    target: str | None
    columns: tuple[TaggedColumn, ...]

    @property
    def found(self) -> bool:
        """Whether there is any."""
        return bool(self.columns)


def tags(lakes: Sequence[Records], target: str | None = None, then: AsOf | None = None) -> Tagged:
    """The tagged columns of the latest versions.

    Args:
        lakes: the records of the lakes.
        target: a tag, a table, or `TABLE.COLUMN`; all when None.
        then: table → the version to use instead of the latest.

    Raises:
        EmptyLake: no asset has made a table yet.
        WrongQuestion: the target is none of these.
    """
    found: list[TaggedColumn] = []
    tables: dict[str, set[str]] = {}
    for records, table, version in _versions(lakes, then):
        if table not in RESERVED and records.lake.commit(table, version)["record"] is not None:
            record = records.get(table, version)
            tables.setdefault(table, set()).update(column.name for column in record.schema)
            found.extend(_of_version(records, record))
    if not tables:
        raise no_records([records.lake.uri for records in lakes])
    if target is None:
        return Tagged(None, tuple(found))
    known = {Tag.of(tag).name for each in found for tag in each.tags}
    table, _, column = target.partition(".")
    if table in tables and (not column or column in tables[table]):
        chosen = [each for each in found if each.asset == table and column in ("", each.column)]
    elif target in known:
        chosen = [each for each in found if target in {Tag.of(tag).name for tag in each.tags}]
    else:
        columns = [f"{name}.{each}" for name, held in tables.items() for each in held]
        raise WrongQuestion(
            f"There is no tag, table or column {target!r}.",
            expected=f"a tag ({', '.join(sorted(known)) or 'none is there'}), TABLE or TABLE.COLUMN",
            found=target or "nothing",
            where=", ".join(records.lake.uri for records in lakes),
            advice=did_you_mean(target, [*known, *tables, *columns]) or meant_or_known(target, tables),
        )
    return Tagged(target, tuple(chosen))


def _versions(lakes: Sequence[Records], then: AsOf | None) -> Iterator[tuple[Records, str, int | None]]:
    """The tables of some lakes, each with the requested version; None for its latest."""
    if then is None:
        yield from ((records, table, None) for records in lakes for table in records.lake.tables())
        return
    homes = {records.lake.uri: records for records in lakes}
    for node in (each.then for each in then.versions):
        if node.lake in homes and node.version is not None:
            yield homes[node.lake], node.name, node.version


def _of_version(records: Records, record: Materialization) -> Iterator[TaggedColumn]:
    """The tagged columns of one version, in order."""
    read = {each.name: each.version for each in record.reads if each.kind == "table"}
    before = {
        table: records.column_tags(table, version)
        for table, version in read.items()
        if version is not None and records.lake.has(table)
    }
    for column in record.schema:
        written = record.column_tags.get(column.name, ())
        if not written:
            continue
        held = {Tag.of(tag) for tag in written}
        sources = {
            f"{edge.table}@{read[edge.table]}.{edge.column}"
            for edge in record.column_lineage.get(column.name, ())
            for tag in before.get(edge.table, {}).get(edge.column, ())
            if tag in held and tag.passes(edge)
        }
        yield TaggedColumn(
            record.asset,
            f"{record.asset}@{record.version}",
            column.name,
            tuple(written),
            tuple(sorted(sources)),
        )
