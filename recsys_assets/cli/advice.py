"""Advice that the command line adds to errors of the lineage layer, which names neither commands nor settings."""

from __future__ import annotations

from collections.abc import Iterator

from recsys_assets.settings import variable
from recsys_lineage.assets.reproduction import OtherCode, ReadsOutside
from recsys_lineage.errors import LakePlaceError, LineageError, NoDataFolder

_ADVICE: dict[type[LineageError], str] = {
    LakePlaceError: f"set {variable('lake')} to that place",
    NoDataFolder: f"set {variable('data')} to that folder",
    OtherCode: "recsys reproduce --anyway runs today's code",
    ReadsOutside: "recsys materialize {where}",
}


def advice_for(error: BaseException) -> str | None:
    """Advice with the setting or the command for an error, or for one of its causes."""
    for each in _causes(error):
        for kind, advice in _ADVICE.items():
            if isinstance(each, kind):
                return advice.format(where=each.where)
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and its causes, outermost first."""
    while error is not None:
        yield error
        error = error.__cause__
