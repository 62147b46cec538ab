"""`recsys openlineage`: the commands of `recsys_lineage.cli.openlineage`, for the home's lake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from recsys_assets.cli.session import emission_of_home, opened_lake
from recsys_lineage.cli.openlineage.app import openlineage_app
from recsys_lineage.cli.place import Place


@contextmanager
def _opened() -> Iterator[Place]:
    with opened_lake() as lake:
        yield Place([lake], emission=emission_of_home())


app = openlineage_app(_opened)
