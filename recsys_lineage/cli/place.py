"""Place: the lakes that the commands query, and the function that materializes assets."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recsys_lineage.cli.command_output import errors_in_words

if TYPE_CHECKING:
    from recsys_lineage.assets.asset_code import AssetCode
    from recsys_lineage.graph.lineage_graph import LineageGraph
    from recsys_lineage.lake.lake import Lake
    from recsys_lineage.openlineage.emission import Emission
    from recsys_lineage.openlineage.translation.event_options import EventOptions
    from recsys_lineage.records.records import Records

Rebuild = Callable[[Sequence[str]], Collection[str]]
"""Function that materializes assets in dependency order; returns the names of those that failed."""


@dataclass(frozen=True)
class Place:
    """The lakes that the commands query, and access to the assets.

    Attributes:
        lakes: the lakes whose records are read.
        rebuild: materializes assets; None where that is not possible.
        codes: returns the assets by name, upstream first; None where only their records are known.
        emission: the settings and destinations of OpenLineage events; None where no folder for them is known.
    """

    lakes: Sequence[Lake]
    rebuild: Rebuild | None = None
    codes: Callable[[], Mapping[str, AssetCode]] | None = None
    emission: Emission | None = None

    def records(self) -> list[Records]:
        """The records of each lake."""
        from recsys_lineage.records.records import Records

        return [Records(lake) for lake in self.lakes]

    def graph(self) -> LineageGraph:
        """The graph of all records, and of imported events of other systems."""
        from recsys_lineage.openlineage.intake.imported_lineage import graph_with_imports

        return graph_with_imports(self.lakes, self.event_options())

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables with the settings of OpenLineage."""
        given = None if self.emission is None else self.emission.environment
        return os.environ if given is None else given

    def event_options(self) -> EventOptions:
        """Names of the lakes' jobs and datasets in OpenLineage events."""
        from recsys_lineage.openlineage.translation.event_options import EventOptions

        return EventOptions() if self.emission is None else self.emission.options


OpenPlace = Callable[[], AbstractContextManager[Place]]
"""Context manager that opens the place; inside the block, expected errors are printed as text."""


@contextmanager
def opened_lakes(uris: Sequence[str], openlineage: Path | None = None) -> Iterator[Place]:
    """The place of some existing lakes, by their folders or URLs.

    Args:
        uris: the folders or URLs of the lakes.
        openlineage: the folder with the progress of the event destinations; next to a lake on this machine when None.
    """
    with errors_in_words():
        from recsys_lineage.errors import WrongQuestion
        from recsys_lineage.lake.lake import Lake

        lakes = [Lake(uri) for uri in uris]
        for lake in lakes:
            if not lake.tables():
                raise WrongQuestion(
                    "There is no lake.",
                    expected="a folder or URL that holds tables of a lake",
                    found="no table",
                    where=lake.uri,
                    advice="name another one with --lake, or materialize an asset into it first",
                )
        from recsys_lineage.openlineage.emission import Emission

        first = lakes[0].storage if len(lakes) == 1 else None
        if openlineage is None and first is not None and first.is_local:
            openlineage = Path(first.uri).parent / "openlineage"
        yield Place(lakes, emission=None if openlineage is None else Emission(openlineage))
