"""The shop, made once for questions that change nothing, or for each test that does."""

from __future__ import annotations

from pathlib import Path

import pytest

from recsys_lineage.graph.lineage_graph import LineageGraph
from recsys_lineage.records.records import Records
from tests.lineage.graph.shop import Shop

CHANGED = "id,shop,day,amount\n1,a,mon,2.5\n2,b,mon,3\n3,a,tue,5\n"


def half_rebuilt(folder: Path) -> Shop:
    """A shop of whose file a row changed after everything was made; some of its tables were made again since."""
    shop = Shop(folder)
    shop.everything()
    shop.file.write_text(CHANGED)
    shop.make("raw_orders", "orders", "shops")
    shop.make("daily", partitions=["tue"])
    return shop


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The half rebuilt shop; look, do not touch."""
    return half_rebuilt(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def graph(seen: Shop) -> LineageGraph:
    """Its graph."""
    return LineageGraph.of(Records(seen.lake))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The half rebuilt shop, to go on with."""
    return half_rebuilt(tmp_path)
