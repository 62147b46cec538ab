"""Diff: the differences between two versions of an asset, in everything that they were made from, and their starts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from recsys_lineage.errors import TableNotFound
from recsys_lineage.graph.interned import NOTHING
from recsys_lineage.graph.lineage_graph import FILE, LineageGraph
from recsys_lineage.graph.questions.answers import Answer
from recsys_lineage.graph.questions.asof import moment_of
from recsys_lineage.graph.questions.described import Described
from recsys_lineage.graph.questions.target import Target, UnknownTarget, find_target
from recsys_lineage.graph.version_part import WHOLE
from recsys_lineage.graph.walk import walk
from recsys_lineage.lake.fingerprint import comparable
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.comparison import Difference, causes, libraries, outcomes
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.read import Read
from recsys_lineage.records.records import Records

State = Literal["new", "gone", "changed"]
_File = tuple[str, str]
"""A file's root, empty if it has none, and its path."""


@dataclass(frozen=True)
class FileDifference(Answer):
    """A file that only one of two versions was made from, or both with different content.

    Attributes:
        path: below `root`.
        state: new, gone (the later version is not made from it), or changed.
        before, after: its sha256; None where it was not read.
        root: the folder or URL to which its path is relative.
    """

    path: str
    state: State
    before: str | None
    after: str | None
    root: str | None = None


@dataclass(frozen=True)
class PartitionDifferences(Answer):
    """The partitions that only one of two versions has, or both with different content.

    Fingerprints of different engines are not comparable: of `incomparable` partitions nothing more is known.
    """

    new: tuple[str, ...]
    gone: tuple[str, ...]
    changed: tuple[str, ...]
    incomparable: tuple[str, ...] = ()


@dataclass(frozen=True)
class AssetDifference(Answer):
    """The differences between the two versions of an asset behind two versions downstream.

    Attributes:
        asset: its name.
        before, after: ids of the versions; None where the one downstream was not made from it.
        is_equal: whether the contents are equal; None where their fingerprints cannot be compared.
        causes: the differences in its code, parameters, source and start.
        files: the differences in the files that it was made from.
        inputs: the upstream assets whose content differs in the parts that were read.
        is_unexplained: whether the content differs and nothing recorded does: the code is not deterministic, or depends
            on something that no record has.
        outcomes: the differences in its results.
        partitions: the differences in its partitions; None where it has none.
    """

    asset: str
    before: str | None
    after: str | None
    is_equal: bool | None
    causes: tuple[Difference, ...] = ()
    files: tuple[FileDifference, ...] = ()
    inputs: tuple[str, ...] = ()
    is_unexplained: bool = False
    outcomes: tuple[Difference, ...] = ()
    partitions: PartitionDifferences | None = None

    @property
    def is_origin(self) -> bool:
        """Whether a difference starts here, rather than upstream."""
        return bool(self.files or self.is_unexplained) or any(cause.is_origin for cause in self.causes)


@dataclass(frozen=True)
class Diff(Answer):
    """The differences between two versions, or between all versions at the ends of two runs, and their starts.

    Attributes:
        before, after: the compared versions or runs.
        assets: those that differ, upstream first.
        origins: the names of assets where a difference starts, upstream first.
        libraries: libraries whose versions differ, for any of the assets.
        unchanged: the names of the assets with the same version on both sides.
    """

    before: str
    after: str
    assets: tuple[AssetDifference, ...]
    origins: tuple[str, ...]
    libraries: tuple[Difference, ...]
    unchanged: tuple[str, ...]

    @property
    def found(self) -> bool:
        """Whether anything differs."""
        return bool(self.assets)


def diff(graph: LineageGraph, lakes: Sequence[Records], before: str, after: str | None = None) -> Diff:
    """The differences between two versions of an asset, in everything that they were made from, back to the files.

    An asset's own previous versions are not followed: another starting version of a model is a cause by itself.

    Args:
        graph: the graph of the records.
        lakes: the records of its lakes.
        before: `ASSET@VERSION`; `run:ID` for every table at the end of a run.
        after: likewise; by default the latest version of that asset. If neither names a version, its latest two are
            compared.

    Raises:
        UnknownTarget: no record names them, or they cannot be compared.
    """
    pair = _pair(graph, before, after)
    sides = [walk(graph, dict.fromkeys(nodes, WHOLE), "up", previous=False) for nodes in pair]
    words = Described(graph)
    newest = [_newest(graph, side) for side in sides]
    both = list(dict.fromkeys([*newest[1], *newest[0]]))
    order = {
        table: max(graph.views.writer[side[table]] for side in newest if table in side) for table in both
    }
    pairs = {
        table: (newest[0].get(table), newest[1].get(table))
        for table in sorted(both, key=lambda table: order[table])
    }
    other = {table: nodes for table, nodes in pairs.items() if nodes[0] != nodes[1]}
    compared = _Compared(graph, lakes, sides, words, {node for nodes in other.values() for node in nodes})
    found = [compared.of(table, *nodes) for table, nodes in other.items()]
    return Diff(
        _label(graph, words, pair[0], before),
        _label(graph, words, pair[1], after or before),
        tuple(found),
        tuple(each.asset for each in found if each.is_origin),
        tuple(dict.fromkeys(compared.libraries)),
        tuple(words.asset(table) for table in pairs if table not in other),
    )


def _pair(graph: LineageGraph, before: str, after: str | None) -> tuple[Collection[int], Collection[int]]:
    """The start nodes, of before and of after."""
    one = _comparable(graph, before)
    other = one if after is None else _comparable(graph, after)
    if "run" in (one.kind, other.kind):
        if one.kind != other.kind or after is None:
            raise _incomparable(
                graph, before, after, "run:ID twice, for two runs, or two versions of an asset"
            )
        return _at_the_end(graph, before), _at_the_end(graph, after)
    if one.table != other.table:
        raise _incomparable(graph, before, after, "two versions of the same asset")
    if after is not None:
        return _newest_of(one), _newest_of(other)
    assert one.table is not None, "neither a file nor a run"
    versions = graph.versions(one.table)
    if one.is_exact:
        return _newest_of(one), versions[-1:]
    if len(versions) < 2:
        raise UnknownTarget(
            f"{before!r} has one version only.",
            expected="two versions to compare",
            found=Described(graph).id(versions[0]),
            where=", ".join(graph.names.lakes),
            advice="ask again after the next run that changes it",
        )
    return versions[-2:-1], versions[-1:]


def _newest_of(target: Target) -> list[int]:
    assert target.newest is not None, "an asset that was found has a version"
    return [target.newest]


def _comparable(graph: LineageGraph, text: str) -> Target:
    target = find_target(graph, text)
    if target.kind == "file" or target.column is not None or target.partition is not None:
        raise UnknownTarget(
            f"Versions of {text!r} cannot be compared.",
            expected="ASSET, ASSET@VERSION or run:ID",
            found=text,
            where=", ".join(graph.names.lakes),
            advice="leave the column or partition out; for a file, `downstream` lists the readers of each content",
        )
    return target


def _incomparable(graph: LineageGraph, before: str, after: str | None, expected: str) -> UnknownTarget:
    return UnknownTarget(
        f"{before!r} cannot be compared with {after!r}."
        if after
        else f"{before!r} is compared with nothing.",
        expected=expected,
        found=f"{before} and {after}" if after else f"{before} alone",
        where=", ".join(graph.names.lakes),
        advice="the command `runs` lists the runs and the versions that each made",
    )


def _at_the_end(graph: LineageGraph, run: str) -> list[int]:
    """The latest version of every table at the end of a run."""
    then = graph.asof(moment_of(graph, run))
    nodes = [then.latest(table) for table in then.tables()]
    views = then.views
    found = [graph.version(views.table[node], views.number[node]) for node in nodes if node is not None]
    return [node for node in found if node is not None]


def _label(graph: LineageGraph, words: Described, nodes: Collection[int], text: str) -> str:
    return words.id(next(iter(nodes))) if len(nodes) == 1 and not text.startswith("run:") else text


def _newest(graph: LineageGraph, nodes: Iterable[int]) -> dict[int, int]:
    """The newest version of each table among some nodes."""
    views = graph.views
    found = sorted(
        (node for node in nodes if views.table[node] != FILE), key=lambda node: (views.writer[node], node)
    )
    return {views.table[node]: node for node in found}


class _Compared:
    """Comparison of the versions of one asset after the other; `libraries` are those that differed so far."""

    def __init__(
        self,
        graph: LineageGraph,
        lakes: Sequence[Records],
        sides: Sequence[Collection[int]],
        words: Described,
        nodes: Collection[int | None],
    ) -> None:
        self._graph, self._words = graph, words
        self._lakes = {records.lake.uri: records.lake for records in lakes}
        self._records = _records(graph, lakes, nodes)
        self._files = [_files_of(graph, side) for side in sides]
        self.libraries: list[Difference] = []

    def of(self, table: int, before: int | None, after: int | None) -> AssetDifference:
        """The differences between two versions of a table; None for a side that has none."""
        name, words = self._words.asset(table), self._words
        files = self._files_between(table)
        ids = [None if node is None else words.id(node) for node in (before, after)]
        one, other = (self._records.get(node) for node in (before, after))
        if one is None or other is None:
            return AssetDifference(name, ids[0], ids[1], None, files=files)
        lake = self._lakes[self._graph.names.table(table)[0]]
        reasons = causes(one, other)
        ran = libraries(one, other)
        self.libraries.extend(ran)
        inputs = tuple(self._inputs(lake, one, other))
        is_equal = _is_equal(one, other)
        return AssetDifference(
            name, ids[0], ids[1], is_equal, reasons, files, inputs,
            is_unexplained=is_equal is False and not (reasons or files or inputs or ran),
            outcomes=outcomes(one, other),
            partitions=_partitions(lake, one, other),
        )  # fmt: skip

    def _inputs(self, lake: Lake, one: Materialization, other: Materialization) -> list[str]:
        """The tables whose content read by one run differs from that read by the other."""
        reads = [{read.name: read for read in record.reads if _is_input(read)} for record in (one, other)]
        return [
            name
            for name in dict.fromkeys([*reads[1], *reads[0]])
            if name not in reads[0]
            or name not in reads[1]
            or not _same_content(lake, reads[0][name], reads[1][name])
        ]

    def _files_between(self, table: int) -> tuple[FileDifference, ...]:
        one, other = (files.get(table, {}) for files in self._files)
        found: list[FileDifference] = []
        for file in sorted(one.keys() | other.keys()):
            gone = sorted(one.get(file, set()) - other.get(file, set()))
            new = sorted(other.get(file, set()) - one.get(file, set()))
            if gone or new:
                state: State = "new" if file not in one else "gone" if file not in other else "changed"
                ends = _first(gone, one.get(file)), _first(new, other.get(file))
                found.append(FileDifference(file[1], state, *ends, root=file[0] or None))
        return tuple(found)


def _first(those: Sequence[str], all_of_it: Collection[str] | None) -> str | None:
    """The content of a file on one side; preferably one that the other side lacks."""
    return next(iter([*those, *sorted(all_of_it or ())]), None)


def _records(
    graph: LineageGraph, lakes: Sequence[Records], nodes: Iterable[int | None]
) -> dict[int | None, Materialization]:
    """The records that wrote some versions, by node; without versions that no record, or another system's, wrote."""
    views = graph.views
    wrote = [node for node in nodes if node is not None and views.writer[node] != NOTHING]
    ids = {
        row["id"]: node for node, row in zip(wrote, graph.rows([views.writer[n] for n in wrote]), strict=True)
    }
    found = [records.with_ids(ids) for records in lakes]
    return {ids[name]: record for each in found for name, record in each.items()}


def _files_of(graph: LineageGraph, side: Collection[int]) -> dict[int, dict[_File, set[str]]]:
    """The files behind the versions of one side, by table, each with its contents (sha256)."""
    views = graph.views
    found: dict[int, dict[_File, set[str]]] = {}
    for node in side:
        if views.table[node] == FILE:
            root, path, sha256 = graph.names.file(views.number[node])
            for edge in graph.edges.out_edge_indices(node):
                if views.target[edge] in side:
                    of_table = found.setdefault(views.table[views.target[edge]], {})
                    of_table.setdefault((root or "", path), set()).add(sha256)
    return found


def _is_input(read: Read) -> bool:
    return read.kind == "table" and read.purpose == "input" and read.version is not None


def _is_equal(one: Materialization, other: Materialization) -> bool | None:
    if one.fingerprint == other.fingerprint:
        return True
    return False if comparable(*_hashed_by(one, other)) else None


def _hashed_by(one: Materialization, other: Materialization) -> tuple[str | None, str | None]:
    return one.written and one.written.hashed_by, other.written and other.written.hashed_by


def _same_content(lake: Lake, one: Read, other: Read) -> bool:
    """Whether two reads of a table saw the same content, as far as the lake still knows."""
    if one.partitions == other.partitions and one.fingerprint == other.fingerprint:
        return True
    if not comparable(one.hashed_by, other.hashed_by):
        return True  # nothing shows that it changed; the table itself is told as not comparable
    if one.partitions is None and other.partitions is None:
        return False
    held = [_held(lake, read.name, read.version) for read in (one, other)]
    seen = [
        {key: parts.get(key) for key in (parts if read.partitions is None else read.partitions)}
        for read, parts in zip((one, other), held, strict=True)
    ]
    return seen[0] == seen[1] and None not in seen[0].values()


def _held(lake: Lake, table: str, version: int | None) -> Mapping[str, str]:
    """The partitions of a version with their fingerprints; empty where the lake no longer knows the version."""
    try:
        return {key: part.fingerprint for key, part in lake.version(table, version).partitions.items()}
    except TableNotFound:
        return {}


def _partitions(lake: Lake, one: Materialization, other: Materialization) -> PartitionDifferences | None:
    before, after = (_held(lake, record.asset, record.version) for record in (one, other))
    if not before and not after:
        return None
    unequal = tuple(sorted(key for key in before.keys() & after.keys() if before[key] != after[key]))
    are_comparable = comparable(*_hashed_by(one, other))
    return PartitionDifferences(
        tuple(sorted(after.keys() - before.keys())),
        tuple(sorted(before.keys() - after.keys())),
        unequal if are_comparable else (),
        () if are_comparable else unequal,
    )
