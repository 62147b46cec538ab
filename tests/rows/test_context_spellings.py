"""A key that depends on a window over the whole table is the same key under its name, its number and ALL."""

from __future__ import annotations

import pytest

from recsys_lineage.rows.trace_query import trace

SCHEMAS = {"sales": {"shop": "VARCHAR", "paid": "INTEGER"}}
BANDS = "WITH bands AS (SELECT *, ntile(2) OVER (ORDER BY paid) AS band FROM sales) SELECT {}"
BY_KEY = {
    "grouped": ("band AS k, count(*) AS n FROM bands GROUP BY {}", ("band", "k", "1", "ALL", "ROLLUP (1)", "CUBE (k)")),
    "grouped by an expression": ("band + 1 AS k, count(*) AS n FROM bands GROUP BY {}", ("band + 1", "k", "1", "ALL")),
    "kept": ("band AS k, count(*) AS n FROM bands GROUP BY {} HAVING count(*) > 0", ("band", "1", "ALL")),
    "cut": ("band AS k, shop AS n FROM bands ORDER BY {} LIMIT 2", ("band, shop", "k, n", "1, 2", "ALL")),
    "first of each": ("DISTINCT ON ({0}) band AS k, shop AS n FROM bands ORDER BY {0}, shop", ("band", "1")),
    "cut behind a star": ("* FROM (SELECT band AS k, shop AS n FROM bands) ORDER BY {} LIMIT 2", ("k", "1", "ALL")),
}  # fmt: skip


@pytest.mark.parametrize(("text", "key"), [(text, key) for text, keys in BY_KEY.values() for key in keys])
def test_every_spelling_of_a_key_needs_the_context(text: str, key: str) -> None:
    row = {"k": 1, "n": 2 if "count" in text else "a"}
    found = trace(BANDS.format(text.format(key)), SCHEMAS, "sales", row)
    assert (found.context, found.insufficient) == ("true", ("k", "n"))


@pytest.mark.parametrize("key", ["shop", "k", "1", "ALL"])
def test_other_keys_do_not(key: str) -> None:
    text = BANDS.format(f"shop AS k, max(band) AS n FROM bands GROUP BY {key}")
    assert trace(text, SCHEMAS, "sales", {"k": "a", "n": 1}).insufficient == ("n",)
