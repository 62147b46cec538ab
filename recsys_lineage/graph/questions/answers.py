"""Answers: the results of the questions as plain data, for scripts, notebooks and pages alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any, Literal


class Answer:
    """A dataclass that a question returns."""

    def to_json(self) -> dict[str, Any]:
        """A JSON object with the fields by name; times as ISO texts."""
        plain = _plain(self)
        assert isinstance(plain, dict)
        return plain


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return value


@dataclass(frozen=True)
class Node(Answer):
    """A version of a table, or a file with its content.

    Attributes:
        id: its name in links and other questions: `orders@3`, or `file:` with a path and the beginning of its sha256.
        kind: version or file.
        name: the table's name; a file's path below `root`.
        version: the table's version; None for a file.
        made: the time when the run that wrote it ended, UTC; None where no record has it.
        record: the id of the record that wrote it; None for a file, and for a version not written by an asset.
        run: the orchestrator's id of the run.
        rows: the number of rows of the version.
        root: the folder or URL to which a file's path is relative.
        sha256: the hash of a file's content.
        lake: the URL of a version's lake.
        pruned: when the version was pruned, as `on DAY`, or `between DAY and DAY` once neighbours are joined; None
            while its files exist, and where no lake was asked.
    """

    id: str
    kind: Literal["version", "file"]
    name: str
    version: int | None = None
    made: datetime | None = None
    record: str | None = None
    run: str | None = None
    rows: int | None = None
    root: str | None = None
    sha256: str | None = None
    lake: str | None = None
    pruned: str | None = None


@dataclass(frozen=True)
class Link(Answer):
    """An edge between versions: `target` was made of `source`.

    Attributes:
        source, target: ids of nodes.
        how: read; previous, for the asset's own previous version, from which it started; or carried, for the previous
            version whose other partitions it keeps.
        partitions: those that were read; None for all.
        columns: those that were read; None for all, and where they are unknown.
    """

    source: str
    target: str
    how: Literal["read", "previous", "carried"] = "read"
    partitions: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Lineage(Answer):
    """Everything upstream or downstream of something.

    Attributes:
        target: the question's target.
        direction: up or down.
        roots: ids of the target's nodes.
        nodes: the roots and everything in that direction, in the order of creation.
        links: between these nodes.
    """

    target: str
    direction: Literal["up", "down"]
    roots: tuple[str, ...]
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]

    @property
    def found(self) -> bool:
        """Whether there is anything beyond the target."""
        return len(self.nodes) > len(self.roots)


@dataclass(frozen=True)
class ColumnLink(Answer):
    """One column that another was made from, as recorded.

    Attributes:
        source, target: ids of nodes.
        source_column: None where the columns are unknown: any of those read.
        target_column: None likewise.
        kind: DIRECT, INDIRECT, or UNKNOWN where the record names no columns.
        subtype: such as IDENTITY, AGGREGATION, FILTER; empty for UNKNOWN.
        masking: whether it hides the value.
    """

    source: str
    source_column: str | None
    target: str
    target_column: str | None
    kind: str
    subtype: str = ""
    masking: bool = False


@dataclass(frozen=True)
class ColumnOf(Answer):
    """A column of a version or of a file; `column` is None for any column."""

    node: str
    column: str | None


@dataclass(frozen=True)
class ColumnLineage(Answer):
    """Columns upstream or downstream of columns.

    Attributes:
        target: the question's target.
        direction: up or down.
        columns: all reached columns.
        direct: those reached by DIRECT links alone.
        links: the links between them and the target's columns.
    """

    target: str
    direction: Literal["up", "down"]
    columns: tuple[ColumnOf, ...]
    direct: tuple[ColumnOf, ...]
    links: tuple[ColumnLink, ...]

    @property
    def found(self) -> bool:
        """Whether there is anything."""
        return bool(self.links)


@dataclass(frozen=True)
class Affected(Answer):
    """An asset that was made from the changed thing.

    Attributes:
        asset: its name.
        versions: the number of its affected versions.
        current: the id of its latest version.
        rebuilt: whether its latest version was made since then, from up-to-date inputs.
        through_previous: it was rebuilt, but started from an affected version of its own; only a run without the
            previous version removes the effect.
        columns: the affected ones; None for all, and where they are unknown.
    """

    asset: str
    versions: int
    current: str
    rebuilt: bool
    through_previous: bool = False
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Impact(Answer):
    """Everything that a change affects.

    Attributes:
        target: the question's target.
        changed: ids of the nodes that count as out of date or wrong: the named version, file or run; for a name alone,
            all its contents except the newest, or its only one.
        assets: the assets made from it, in rebuild order.
        rebuild: the names of those not rebuilt yet, in that order.
        links: reads between these assets, and of the target, by name.
    """

    target: str
    changed: tuple[str, ...]
    assets: tuple[Affected, ...]
    rebuild: tuple[str, ...]
    links: tuple[Link, ...]

    @property
    def found(self) -> bool:
        """Whether anything is affected."""
        return bool(self.assets)


@dataclass(frozen=True)
class Paths(Answer):
    """Paths from one thing to another.

    Attributes:
        source, target: the question's ends.
        paths: each a list of links from a node of the source to a node of the target; shorter ones first.
        more: whether there are more than requested.
    """

    source: str
    target: str
    paths: tuple[tuple[Link, ...], ...]
    more: bool = False

    @property
    def found(self) -> bool:
        """Whether there is a path."""
        return bool(self.paths)


@dataclass(frozen=True)
class Then(Answer):
    """An asset's version at a moment; `now` is the id of its latest version today."""

    asset: str
    then: Node
    now: str


@dataclass(frozen=True)
class AsOf(Answer):
    """The lake at a moment.

    Attributes:
        target: the question's target.
        moment: the moment, UTC.
        versions: the version of each asset that had one, by name.
        links: the links between these versions.
    """

    target: str
    moment: datetime
    versions: tuple[Then, ...]
    links: tuple[Link, ...]

    @property
    def found(self) -> bool:
        """Whether there was anything."""
        return bool(self.versions)


@dataclass(frozen=True)
class Unread(Answer):
    """A dependency that an asset declares and none of its runs read.

    Attributes:
        asset: the asset, by its latest code.
        upstream: the table that it declares.
        runs: the number of its runs.
    """

    asset: str
    upstream: str
    runs: int


@dataclass(frozen=True)
class Made(Answer):
    """One asset's part in a run.

    Attributes:
        asset: its name; for a check that ran by itself, the checked asset.
        status: success, kept, failed or canceled.
        version: the id of the version written or kept; None where there is none.
        record: the id of the record.
        started, ended: UTC.
        rows: the number of rows of the version.
        failure: the type of the error.
    """

    asset: str
    status: str
    version: str | None
    record: str
    started: datetime
    ended: datetime
    rows: int | None = None
    failure: str | None = None


@dataclass(frozen=True)
class RunOf(Answer):
    """One run, of an orchestrator or by itself.

    Attributes:
        run: the orchestrator's id; None for code outside of one, as in a notebook, where each asset is a run.
        state: the orchestrator's state; if there is none, failed if an asset failed, else success.
        started, ended: UTC.
        job: the job's name.
        code_location: the job's code location.
        made: its work on each asset, in order.
    """

    run: str | None
    state: str
    started: datetime
    ended: datetime
    job: str | None
    code_location: str | None
    made: tuple[Made, ...]


@dataclass(frozen=True)
class Runs(Answer):
    """Runs, the newest first; `target` is the requested asset, None for all."""

    target: str | None
    runs: tuple[RunOf, ...]

    @property
    def found(self) -> bool:
        """Whether there are any."""
        return bool(self.runs)
