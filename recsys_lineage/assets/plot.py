"""Plot: a picture of a frame, drawn only after texts that could be cells of a table were masked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Plot:
    """A picture for the orchestrator's page, as an asset hands it back in `Output.metadata`.

    Nobody can see in a finished picture whether a customer's name stands in it. So an asset hands back what is to be
    drawn, of which texts keep only what a record may say (`Inputs.shared_values`, `Inputs.vouch_for`), and how.

    Args:
        frame: what is drawn, titles that hold more than words of the code included.
        draw: makes the orchestrator's metadata of a frame like it.
    """

    frame: pl.DataFrame
    draw: Callable[[pl.DataFrame], Any]

    def drawn(self, plain: Callable[[str], str]) -> Any:
        """The picture; columns whose texts lie inside of other values are left out.

        Args:
            plain: what a text may say.
        """
        texts = (pl.String, pl.Categorical, pl.Enum)
        columns = []
        for name, kind in self.frame.schema.items():
            if isinstance(kind, texts):
                column = self.frame[name].cast(pl.String)
                allowed = {text: plain(text) for text in column.unique().drop_nulls()}
                columns.append(column.replace_strict(allowed, default=None, return_dtype=pl.String))
            elif not kind.is_nested() and kind not in (pl.Binary, pl.Object):
                columns.append(self.frame[name])
        return self.draw(pl.DataFrame(columns))
