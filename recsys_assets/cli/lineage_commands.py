"""`recsys lineage`: the commands of `recsys_lineage.cli`, for the home's lake and with the platform's assets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from recsys_assets.cli.command_output import is_in_json
from recsys_assets.cli.session import emission_of_home, load_settings, opened_lake, opened_platform
from recsys_lineage.cli.commands import lineage_app
from recsys_lineage.cli.place import Place

if TYPE_CHECKING:
    from recsys_lineage.assets.asset_code import AssetCode


@contextmanager
def _opened() -> Iterator[Place]:
    with opened_lake() as lake:
        yield Place([lake], _rebuild, _codes, emission_of_home())


def _rebuild(names: Sequence[str]) -> Collection[str]:
    with opened_platform(quiet=is_in_json()) as (platform, out):
        from recsys_assets.cli.terminal_output import asset_progress

        known = [name for name in names if name in platform.codes]
        if unknown := [name for name in names if name not in platform.codes]:
            out.print(f"No asset of the platform makes {', '.join(unknown)}.", markup=False)
        if not known:
            return unknown
        with platform.writers.exclusive(notify=partial(out.print, markup=False)):
            platform.recover()
            with asset_progress(out, len(known)):
                outcome = platform.run(known)
        for step, text in outcome.errors.items():
            out.print(f"{step} failed: {text}", markup=False)
        missed = [] if outcome.success else [name for name in known if name in outcome.errors]
        return [*unknown, *missed]


def _codes() -> Mapping[str, AssetCode]:
    from recsys_assets.definitions import build_definitions
    from recsys_lineage.orchestration.defined_assets import asset_codes

    return asset_codes(build_definitions(load_settings()).assets or ())


app = lineage_app(_opened)
