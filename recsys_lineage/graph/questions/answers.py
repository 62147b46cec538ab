"""Answers: the results of the questions as plain data, for scripts, notebooks and pages alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any, Literal


class Answer:
    """A dataclass that a question gives back."""

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
        id: names it in links and other questions: `orders@3`, or `file:` with a path and the beginning of its sha256.
        kind: version or file.
        name: the table's name; a file's path below `root`.
        version: of the table; None for a file.
        made: when the run that wrote it ended, UTC; None where no record says.
        record: the id of the record that wrote it; None for a file, and where an asset did not write it.
        run: the orchestrator's id of the run.
        rows: of the version.
        root: the folder or URL that a file's path starts from.
        sha256: of a file's content.
        lake: URL of the lake that a version is in.
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


@dataclass(frozen=True)
class Link(Answer):
    """An edge between versions: `target` was made of `source`.

    Attributes:
        source, target: ids of nodes.
        how: read; previous, for the asset's own version before, which it started from; or carried, for the version
            before whose other partitions it keeps.
        partitions: those that were read; None for all.
        columns: those that were read; None for all, and where nothing tells them apart.
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
        target: what was asked for.
        direction: up or down.
        roots: ids of the nodes that were asked for.
        nodes: the roots and all that lies in that direction, in the order in which they were made.
        links: between these nodes.
    """

    target: str
    direction: Literal["up", "down"]
    roots: tuple[str, ...]
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]

    @property
    def found(self) -> bool:
        """Whether there is anything beside what was asked for."""
        return len(self.nodes) > len(self.roots)


@dataclass(frozen=True)
class ColumnLink(Answer):
    """One column that another was made of, as the record has it.

    Attributes:
        source, target: ids of nodes.
        source_column: None where nothing tells the columns apart: any of what was read.
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
    """A column of a version or of a file; `column` is None for any of them."""

    node: str
    column: str | None


@dataclass(frozen=True)
class ColumnLineage(Answer):
    """Columns upstream or downstream of columns.

    Attributes:
        target: what was asked for.
        direction: up or down.
        columns: all that are reached.
        direct: those of them that are reached by DIRECT links alone.
        links: between them, and the columns that were asked for.
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
    """An asset that was made of what is in question.

    Attributes:
        asset: its name.
        versions: how many of its versions were.
        current: the id of its latest version.
        rebuilt: whether its latest version was made since, of what is right now.
        through_previous: it was rebuilt, but started from a version of its own that was made of what is in question;
            only making it without the version before rids it of that.
        columns: those that are affected; None for all, and where nothing tells them apart.
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
        target: what was asked for.
        changed: ids of what counts as out of date or wrong: the version, file or run that was named; where a name
            alone was given, every content of it but the newest, or the only one there is.
        assets: what was made of it, in the order in which it is to be made again.
        rebuild: the names of those that were not rebuilt yet, in that order.
        links: which of these assets read which, and the target, by name.
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
    """Ways from one thing to another.

    Attributes:
        source, target: what was asked for.
        paths: each the links from a node of the one to a node of the other; shorter ones first.
        more: whether there are more than were asked for.
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
    """The version that an asset was at; `now` is the id of its latest version today."""

    asset: str
    then: Node
    now: str


@dataclass(frozen=True)
class AsOf(Answer):
    """The lake as it was.

    Attributes:
        target: what was asked for.
        moment: that it stands for, UTC.
        versions: of each asset that had one, by name.
        links: which of these versions was made of which.
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
    """A dependency that an asset declares, and that none of its runs read.

    Attributes:
        asset: the asset, by its latest code.
        upstream: the table that it declares.
        runs: how many of its runs there were.
    """

    asset: str
    upstream: str
    runs: int


@dataclass(frozen=True)
class Made(Answer):
    """What one run did with one asset.

    Attributes:
        asset: its name; of a check that ran by itself, the asset that it looked at.
        status: success, kept, failed or canceled.
        version: the id of what was written or kept; None where nothing was.
        record: the id of the record.
        started, ended: UTC.
        rows: of the version.
        failure: the type of what went wrong.
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
        run: the orchestrator's id; None where code ran by itself, as in a notebook, which is a run for each asset.
        state: as the orchestrator said; where it said nothing, failed when an asset failed, else success.
        started, ended: UTC.
        job: the job's name.
        code_location: that the job belongs to.
        made: what it did, in order.
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
    """Runs, the newest first; `target` is the asset that was asked for, None for all."""

    target: str | None
    runs: tuple[RunOf, ...]

    @property
    def found(self) -> bool:
        """Whether there are any."""
        return bool(self.runs)
