"""Plot: a picture of a frame, drawn only after texts that could be cells of a table are masked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Plot:
    """A picture for the orchestrator's page, returned by an asset in `Output.metadata`.

    A finished picture cannot be searched for a customer's name. So an asset returns the frame, whose texts are masked
    like those of a record (`Inputs.shared_values`, `Inputs.vouch_for`), and the function that draws it.

    Args:
        frame: the data to draw, including titles that contain more than words of the code.
        draw: turns such a frame into the orchestrator's metadata.
    """

    frame: pl.DataFrame
    draw: Callable[[pl.DataFrame], Any]

    def drawn(self, plain: Callable[[str], str]) -> Any:
        """The picture; columns with texts nested in other values are left out.

        Args:
            plain: masks a text.
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
