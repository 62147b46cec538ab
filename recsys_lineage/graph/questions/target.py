"""Target: the subject of a question, resolved from the text that a person types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

import polars as pl

from recsys_lineage.errors import LineageError, WrongQuestion, did_you_mean, meant_or_known
from recsys_lineage.graph.column_maps import ALL
from recsys_lineage.graph.interned import NOTHING
from recsys_lineage.graph.lineage_graph import LineageGraph
from recsys_lineage.graph.questions.described import DATASET, Described, place, schema_of
from recsys_lineage.graph.version_part import EVERY, Part, Partitions

Kind = Literal["asset", "version", "file", "run"]
_NAME = re.compile(
    r"(?:(?P<lake>.+)::)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:@(?P<version>\d+))?"
    r"(?:\[(?P<partition>[^\]]*)\])?(?:\.(?P<column>.+))?"
)
_BEHIND_DATASET = re.compile(r"(?:@(?P<version>\d+))?(?:\.(?P<column>.+))?")
_RECORD = re.compile(r"[0-9a-f]{32}")
_WAYS = (
    "ASSET, ASSET@VERSION, with [PARTITION] or .COLUMN behind it, file:PATH, file:PATH@SHA256, run:ID, record:ID, "
    "dataset:NAME"
)


class UnknownTarget(WrongQuestion):
    """A question names something that is in no record."""


class EmptyLake(LineageError):
    """There are no records yet."""


@dataclass(frozen=True)
class Target:
    """The subject of a question.

    Attributes:
        text: what was typed.
        kind: an asset with all its versions, one version, a file, or a run.
        nodes: its nodes, oldest first: all versions of an asset, all contents of a file, everything that a run wrote.
        newest: the last existing node; for an asset its latest version.
        table: the table of an asset or a version.
        column: the named column, if any.
        partition: the named partition, if any.
        is_exact: whether one version, or one content of a file, was named.
    """

    text: str
    kind: Kind
    nodes: tuple[int, ...]
    newest: int | None = None
    table: int | None = None
    column: str | None = None
    partition: str | None = None
    is_exact: bool = False

    def part(self, graph: LineageGraph, node: int) -> Part:
        """The part of one of the nodes that is meant."""
        columns = ALL
        if self.column is not None and self.table is not None:
            columns = graph.columns.bits(self.table, (self.column,))
        if self.partition is not None:
            return Part(columns, Partitions(frozenset({self.partition})))
        return Part(columns, graph.partitions(graph.views.written[node]) if self.kind == "run" else EVERY)


def find_target(graph: LineageGraph, text: str) -> Target:
    """The target that a text names.

    Raises:
        EmptyLake: the graph is empty.
        UnknownTarget: the name is unknown or ambiguous.
    """
    require_records(graph)
    kind, colon, rest = text.partition(":")
    if not (rest if colon and kind == "file" else text).strip():
        raise UnknownTarget(
            "Nothing is named.",
            expected=_WAYS,
            found="no name",
            where=_where(graph),
            advice=meant_or_known("", _assets(graph)),
        )
    if colon and kind == "run":
        return _run(graph, rest)
    if colon and kind == "record":
        return _record(graph, rest)
    if colon and kind == "file":
        return _file(graph, rest) or _unknown_file(graph, rest)
    if colon and kind == DATASET[:-1]:
        return _dataset(graph, text)
    named = _NAME.fullmatch(text)
    if named is not None and (tables := _tables(graph, named)):
        try:
            return _versions(graph, text, named, tables)
        except UnknownTarget:  # orders.csv, where a table orders has no column csv
            if (found := _file(graph, text)) is None:
                raise
            return found
    if (found := _file(graph, text)) is not None:
        return found
    if _RECORD.fullmatch(text):  # as answers of the service and catalogs name it
        return _record(graph, text)
    if named is not None:
        _unknown_asset(graph, named["name"], text)
    return _unknown_file(graph, text)


def require_records(graph: LineageGraph) -> None:
    """Require that there are any records.

    Raises:
        EmptyLake: there are none.
    """
    if not graph.records.height:
        raise no_records(graph.names.lakes)


def no_records(lakes: Iterable[str]) -> EmptyLake:
    """The error for lakes, by URL, that have no records yet."""
    return EmptyLake(
        "There are no records yet.",
        expected="a lake in which something was materialized",
        found="none",
        where=", ".join(lakes) or None,
        advice="materialize an asset first, or name another lake or a later time",
    )


def _tables(graph: LineageGraph, named: re.Match[str]) -> list[int]:
    found = graph.named(named["name"]) or graph.named(named["name"].lower())
    lake = named["lake"]
    return [table for table in found if lake is None or graph.names.table(table)[0] == lake]


def _dataset(graph: LineageGraph, text: str) -> Target:
    """A dataset of another system, by its namespace and name or by its name alone."""
    names = {table: graph.names.table(table) for table in graph.tables()}
    foreign = {table: each for table, each in names.items() if each[0] in graph.names.foreign}
    wanted = text.removeprefix(DATASET)
    fits: dict[int, tuple[str, dict[str, str | None]]] = {}
    for table, (namespace, name) in foreign.items():
        for called in (f"{namespace}::{name}", name):
            rest = _BEHIND_DATASET.fullmatch(wanted[len(called) :]) if wanted.startswith(called) else None
            if rest is not None:
                fits[table] = called, {"name": name, "partition": None, **rest.groupdict()}
                break
    longest = max((len(called) for called, _ in fits.values()), default=0)
    tables = [table for table, (called, _) in fits.items() if len(called) == longest]
    if tables:
        return _versions(graph, text, fits[tables[0]][1], tables)
    known = [f"{DATASET}{namespace}::{name}" for namespace, name in foreign.values()]
    raise UnknownTarget(
        f"No imported event names a dataset {wanted!r}.",
        expected=f"{DATASET}NAMESPACE::NAME, with @VERSION or .COLUMN behind it",
        found=text,
        where=_where(graph),
        advice=meant_or_known(text, known) if known else "give the lake an event that names it (import)",
    )


def _versions(
    graph: LineageGraph, text: str, named: re.Match[str] | Mapping[str, str | None], tables: Sequence[int]
) -> Target:
    if len(tables) > 1:
        raise UnknownTarget(
            f"There are {len(tables)} tables called {named['name']!r}.",
            expected="one table, with its lake's URL before it",
            found=text,
            where=", ".join(Described(graph).asset(table) for table in tables),
            advice=f"ask for {Described(graph).asset(tables[0])!r}",
        )
    (table,) = tables
    versions = graph.versions(table)
    newest = graph.latest(table)
    newest = versions[-1] if newest is None else newest
    number = named["version"]
    if number is not None:
        node = graph.version(table, int(number))
        if node is None:
            numbers = [graph.views.number[each] for each in versions]
            raise UnknownTarget(
                f"No record wrote or read version {number} of {named['name']!r}.",
                expected=f"a version from {min(numbers)} to {max(numbers)}",
                found=text,
                where=_where(graph),
                advice=f"ask for {named['name']}@{max(numbers)}, or for {named['name']}, which is all of them",
            )
        versions = [node]
    column = _column(graph, text, table, named["column"], versions if number is not None else [newest])
    partition = named["partition"]
    if partition is not None:
        _require_partition(graph, text, table, partition)
    kind: Kind = "asset" if number is None else "version"
    return Target(
        text,
        kind,
        tuple(versions),
        versions[-1] if number else newest,
        table,
        column,
        partition,
        bool(number),
    )


def _column(
    graph: LineageGraph, text: str, table: int, column: str | None, nodes: Sequence[int]
) -> str | None:
    if column is None:
        return None
    known = {name.casefold(): name for node in nodes for name in schema_of(graph, node)}
    if not known:  # a table that no asset wrote: what was read of it
        known = {
            name.casefold(): name for node in graph.versions(table) for name in _columns_read(graph, node)
        }
    if known and column.casefold() not in known:
        raise UnknownTarget(
            f"{Described(graph).asset(table)} has no column {column!r}.",
            expected=", ".join(known.values()),
            found=text,
            where=_where(graph),
            advice=meant_or_known(column, known.values()),
        )
    return known.get(column.casefold(), column)


def _columns_read(graph: LineageGraph, node: int) -> set[str]:
    """The columns of a version that records list as read."""
    sets = {graph.views.columns[edge] for edge in graph.edges.out_edge_indices(node)} - {NOTHING}
    return {name for number in sets for name in graph.names.set(number)}


def _require_partition(graph: LineageGraph, text: str, table: int, partition: str) -> None:
    known = set()
    for node in graph.versions(table):
        known |= graph.partitions(graph.views.written[node]).keys
        known |= {
            key
            for edge in graph.edges.out_edge_indices(node)
            if (number := graph.views.partitions[edge]) != NOTHING
            for key in graph.names.set(number)
        }
    if partition not in known:
        raise UnknownTarget(
            f"No record wrote or read a partition {partition!r} of {Described(graph).asset(table)}.",
            expected=f"{', '.join(sorted(known)[:5])}{', …' if len(known) > 5 else ''}"
            if known
            else "no partition",
            found=text,
            where=_where(graph),
            advice=meant_or_known(partition, known) if known else f"leave [{partition}] out",
        )


def _file(graph: LineageGraph, text: str) -> Target | None:
    path, at, sha256 = text.rpartition("@")
    if not at:
        path, sha256 = text, ""
    found: dict[str, list[int]] = {}
    for number, node in graph.files().items():
        root, name, content = graph.names.file(number)
        where = place(root, name)
        if path in (name, where) or where.endswith(f"/{path}"):
            if content.startswith(sha256):
                found.setdefault(where, []).append(node)
        elif at and text in (name, where):  # a path that has an @ itself
            found.setdefault(where, []).append(node)
    if len(found) > 1 and path in found:
        found = {path: found[path]}
    if len(found) > 1:
        raise UnknownTarget(
            f"There are {len(found)} files called {path!r}.",
            expected="one file, by more of its path",
            found=", ".join(sorted(found)[:5]),
            where=_where(graph),
            advice=f"ask for file:{min(found)}",
        )
    if not found:
        return None
    ((_, nodes),) = found.items()
    writer, target = graph.views.writer, graph.views.target
    last_read = {
        node: max((writer[target[edge]] for edge in graph.edges.out_edge_indices(node)), default=NOTHING)
        for node in nodes
    }
    nodes.sort(key=lambda node: last_read[node])
    return Target(text, "file", tuple(nodes), nodes[-1], is_exact=bool(sha256))


def _run(graph: LineageGraph, run: str) -> Target:
    records = graph.records.with_row_index("row").filter(pl.col("run_id").str.starts_with(run))
    runs = records["run_id"].unique(maintain_order=True).to_list()
    if len(runs) != 1 or not run:
        raise UnknownTarget(
            f"{'No run' if not runs else f'{len(runs)} runs'} in the records with an id that begins with {run!r}.",
            expected="the id of one run, or its first characters",
            found=", ".join(runs[-5:]) or "none",
            where=_where(graph),
            advice="the command `runs` lists them",
        )
    nodes = [node for row in records["row"] if (node := graph.node_of_record(row)) is not None]
    return Target(f"run:{runs[0]}", "run", tuple(nodes), is_exact=True)


def _record(graph: LineageGraph, record: str) -> Target:
    """The version that a record wrote."""
    records = graph.records.with_row_index("row").filter(pl.col("id").str.starts_with(record))
    if records.height != 1 or not record:
        raise UnknownTarget(
            f"{'No record' if not records.height else f'{records.height} records'} of the lake have an id that begins "
            f"with {record!r}.",
            expected="the id of one record, or its first characters",
            found=", ".join(records["id"].to_list()[-5:]) or "none",
            where=_where(graph),
            advice="give the whole id, as an answer or an event names it",
        )
    node = graph.node_of_record(records["row"][0])
    if node is None:
        raise UnknownTarget(
            f"The record {records['id'][0]} wrote no version.",
            expected="the record of a run that wrote one",
            found=f"{records['kind'][0]}, {records['status'][0]}",
            where=_where(graph),
            advice="the command `runs` lists the versions made by each run",
        )
    return Target(
        f"record:{records['id'][0]}", "version", (node,), node, graph.views.table[node], is_exact=True
    )


def _unknown_asset(graph: LineageGraph, name: str, text: str) -> NoReturn:
    raise UnknownTarget(
        f"No record names an asset, a table or a file {text!r}.",
        expected=_WAYS,
        found=text,
        where=_where(graph),
        advice=meant_or_known(name, _assets(graph)),
    )


def _unknown_file(graph: LineageGraph, text: str) -> NoReturn:
    known = {
        place(root, path): path.rpartition("/")[2] for root, path, _ in map(graph.names.file, graph.files())
    }
    raise UnknownTarget(
        f"No record read a file {text!r}.",
        expected=_WAYS,
        found=text,
        where=_where(graph),
        advice=did_you_mean(text, [*known, *known.values()])
        or meant_or_known(text, known.values() or _assets(graph)),
    )


def _where(graph: LineageGraph) -> str:
    return ", ".join(graph.names.lakes)


def _assets(graph: LineageGraph) -> list[str]:
    return [graph.names.table(table)[1] for table in graph.tables()]
