"""The source of a home: a home belongs to one source, from whose files its tables and models are made."""

from __future__ import annotations

import json
import os
import time

from recsys_assets.settings import Settings, variable
from recsys_lineage.errors import LineageError

MARK = "source.json"


class OtherSource(LineageError):
    """The home belongs to another source than that of the settings."""


def require_own_source(settings: Settings, *, mark_it: bool = True) -> None:
    """Require that the home belongs to the settings' source; a home without a mark is assigned to the first source.

    A home that was moved together with its files still has the same source, as has one whose SQL moved to another
    folder, for example with a new release: the files identify the shop.

    Args:
        settings: with the home and the source.
        mark_it: mark a home that has no mark.

    Raises:
        OtherSource: its tables are from another source, or from other files.
    """
    mark = settings.home / MARK
    try:
        before = json.loads(mark.read_text())
    except (FileNotFoundError, ValueError):  # none yet, or half of one, left by a crash of the machine
        if mark_it:
            adopt_source(settings)
        return
    now = _source_of(settings)
    if any(before.get(name) == now[name] for name in ("data", "data from home")):
        if before.get("source") == now["source"]:
            return
        if now["data"] and all(os.sep in source["source"] for source in (before, now)):
            if mark_it:
                adopt_source(settings)
            return
    raise OtherSource(
        f"The home {settings.home} belongs to another source.",
        expected=_in_words(before),
        found=_in_words(now),
        where=f"{variable('source')} and {variable('data')}; {mark}",
        advice=f"set {variable('home')} to another folder; `recsys adopt` where the tables of this one are to be "
        "replaced, or the same files lie elsewhere now",
    )


def adopt_source(settings: Settings) -> None:
    """Assign the home to the settings' source from now on."""
    mark = settings.home / MARK
    draft = mark.with_name(f".{MARK}.{os.getpid()}")
    draft.write_text(
        json.dumps(_source_of(settings) | {"since": time.strftime("%Y-%m-%d %H:%M:%S")}, indent=1)
    )
    draft.replace(mark)


def _source_of(settings: Settings) -> dict[str, str]:
    is_folder = os.sep in settings.source
    data = "" if settings.data is None else os.path.realpath(settings.data)
    return {
        "source": os.path.realpath(settings.source) if is_folder else settings.source,
        "data": data,
        "data from home": data and os.path.relpath(data, os.path.realpath(settings.home)),
    }


def _in_words(source: dict[str, str]) -> str:
    return f"{source.get('source')} with {source.get('data') or 'its own files'}"
