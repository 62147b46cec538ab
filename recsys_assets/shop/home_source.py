"""The source of a home: a home belongs to one source, from whose files its tables and models are made."""

from __future__ import annotations

import json
import os
import time

from recsys_assets.settings import Settings, variable
from recsys_assets.shop.loaded_source import SETTINGS
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
        OtherSource: its tables are from another source, from other files, or the source's `source.toml` is gone.
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
        if before.get("settings") and not now["settings"] and os.sep in now["source"]:
            raise _without_settings(now["source"])
        if before.get("source") == now["source"]:
            if mark_it and now["settings"] and not before.get("settings"):
                adopt_source(settings)
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
    has_settings = is_folder and os.path.isfile(os.path.join(settings.source, SETTINGS))
    return {
        "source": os.path.realpath(settings.source) if is_folder else settings.source,
        "settings": SETTINGS if has_settings else "",
        "data": data,
        "data from home": data and os.path.relpath(data, os.path.realpath(settings.home)),
    }


def _without_settings(source: str) -> OtherSource:
    return OtherSource(
        f"The source has no {SETTINGS} any more.",
        expected="the file by whose settings the tables of this home were made: time zone, behaviours, non-products …",
        found="the folder without it, so that all settings would be the defaults",
        where=os.path.join(source, SETTINGS),
        advice="put it back; `recsys adopt` where the defaults are meant from now on",
    )


def _in_words(source: dict[str, str]) -> str:
    return f"{source.get('source')} with {source.get('data') or 'its own files'}"
