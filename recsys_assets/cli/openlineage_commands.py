"""`recsys openlineage`: the commands of `recsys_lineage.cli.openlineage`, for the home's lake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from recsys_assets.cli.session import load_settings, opened_lake
from recsys_lineage.cli.openlineage.app import openlineage_app
from recsys_lineage.cli.place import Place


@contextmanager
def _opened() -> Iterator[Place]:
    with opened_lake() as lake:
        from recsys_assets.openlineage import emission

        yield Place([lake], emission=emission(load_settings()))


app = openlineage_app(_opened)
