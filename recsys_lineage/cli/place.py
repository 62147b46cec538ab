"""Place: the lakes that the commands ask, and who can make assets again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recsys_lineage.cli.answer import errors_in_words

if TYPE_CHECKING:
    from recsys_lineage.assets.asset_code import AssetCode
    from recsys_lineage.graph.lineage_graph import LineageGraph
    from recsys_lineage.lake.lake import Lake
    from recsys_lineage.records.records import Records

Rebuild = Callable[[Sequence[str]], Collection[str]]
"""Makes assets again, in an order that minds what they are made of; returns the names of those that failed."""


@dataclass(frozen=True)
class Place:
    """Where the commands work.

    Attributes:
        lakes: those whose records are asked.
        rebuild: makes assets again; None where there is nothing that could.
        codes: gives the assets by name, upstream first; None where only their records are known.
    """

    lakes: Sequence[Lake]
    rebuild: Rebuild | None = None
    codes: Callable[[], Mapping[str, AssetCode]] | None = None

    def records(self) -> list[Records]:
        """The records of each lake."""
        from recsys_lineage.records.records import Records

        return [Records(lake) for lake in self.lakes]

    def graph(self) -> LineageGraph:
        """The graph of all records."""
        from recsys_lineage.graph.lineage_graph import LineageGraph

        return LineageGraph.of(*self.records())


OpenPlace = Callable[[], AbstractContextManager[Place]]
"""Opens the place; inside the block, errors made for people are told in words."""


@contextmanager
def opened_lakes(uris: Sequence[str]) -> Iterator[Place]:
    """The place of some lakes that are there already, by their folders or URLs."""
    with errors_in_words():
        from recsys_lineage.errors import WrongQuestion
        from recsys_lineage.lake.lake import Lake

        lakes = [Lake(uri) for uri in uris]
        for lake in lakes:
            if not lake.tables():
                raise WrongQuestion(
                    "There is no lake.",
                    expected="a folder or URL that holds tables of a lake",
                    where=lake.uri,
                    advice="name another one with --lake, or materialize an asset into it first",
                )
        yield Place(lakes)
