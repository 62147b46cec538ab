"""A hash masks only with its whole key, and a statistic only if no single person can make its value."""

from __future__ import annotations

from typing import Any

import pytest

from recsys_lineage import column_lineage

SCHEMAS = {
    "customers": {"id": "INTEGER", "email": "VARCHAR", "town": "VARCHAR", "born": "INTEGER", "tags": "VARCHAR[]"},
    "orders": {"customer": "INTEGER", "paid": "DOUBLE", "day": "DATE"},
}  # fmt: skip
PEOPLE = [("customers", "id"), ("orders", "customer")]
PARAMETERS: dict[str, Any] = {
    "key": "secret", "pin": 918273, "empty": "", "blank": " ", "nothing": None, "yes": True, "zero": 0,
}  # fmt: skip


def is_masked(sql: str, column: str = "x") -> bool:
    """Whether every value of a column of a query is masked, whichever customer it is made of."""
    given = {name: value for name, value in PARAMETERS.items() if f"${name}" in sql}
    edges = column_lineage(sql, SCHEMAS, people=PEOPLE, parameters=given)[column]
    made_of = [edge for edge in edges if edge.kind == "DIRECT"]
    assert made_of, "it shows nothing about anybody"
    return all(edge.masking for edge in made_of)


HASHES = ("md5({})", "hash({})", "upper(sha256({}))", "CASE WHEN town = 'P' THEN md5({}) END")
WITH_KEY = (
    "email || $key", "concat($key, '|', lower(trim(email)))", "concat_ws('|', $key, email)", "md5($key) || email",
    "coalesce(email, '') || coalesce($key, '')", "{'e': email, 'k': $key}::VARCHAR", "email || upper($key)",
    "CASE WHEN town = 'P' THEN email || $key ELSE $key || id END", "CASE WHEN town = 'P' THEN email || $key END",
    "id::VARCHAR || $key::VARCHAR", "concat(email, $pin)",
)  # fmt: skip
WITHOUT_KEY = (
    "email", "email || 'pepper'", "email || $empty", "concat(email, $blank)", "concat(email, $nothing)",
    "concat(email, $yes)", "concat(email, $zero)", "id * $pin", "email || length($key)", "email || left($key, 0)",
    "concat(email, nullif($key, $key))", "concat(email, $key = 'x')", "email || typeof($key)", "[email, $key][1]",
    "least(email, $key)", "replace(email || $key, $key, '')", "left(email || $key, 3)", "concat_ws($key, email)",
    "CASE WHEN town = 'P' THEN email || $key ELSE email END", "coalesce(email || $key, email)",
    "CASE WHEN $key = 'x' THEN email ELSE email END", "concat(email, TRY_CAST($key AS INTEGER))",
    "concat(email, (SELECT $key WHERE false))", "format('{}', email, $key)",
    "concat(email, regexp_extract($key, 'q'))",
)  # fmt: skip


@pytest.mark.parametrize("hash_", HASHES)
@pytest.mark.parametrize(("values", "masks"), [(WITH_KEY, True), (WITHOUT_KEY, False)], ids=["key", "none"])
def test_a_hash_masks_with_its_whole_key_alone(hash_: str, values: tuple[str, ...], masks: bool) -> None:
    for value in values:
        text = f"({value})::VARCHAR"
        assert is_masked(f"SELECT {hash_.format(text)} AS x FROM customers") is masks, value
        behind = f"SELECT {hash_.format('v')} AS x FROM (SELECT *, {text} AS v FROM customers)"
        assert is_masked(behind) is masks, value


def test_a_key_that_may_be_missing_beside_a_row_is_none() -> None:
    for join, masks in (
        ("CROSS JOIN k", True),
        ("LEFT JOIN k ON false", False),
        ("FULL JOIN k ON false", False),
    ):
        with_key = f"WITH k AS (SELECT $key AS key) SELECT md5(concat(email, key)) AS x FROM customers {join}"
        assert is_masked(with_key) is masks, join
    beside = "SELECT email || $key AS v FROM customers UNION ALL SELECT {} FROM customers"
    for other, masks in (("town || $key", True), ("'none'", True), ("email", False)):
        assert is_masked(f"SELECT md5(v) AS x FROM ({beside.format(other)})") is masks, other


STATISTICS = ("sum({})", "avg({})", "count(DISTINCT {})", "stddev({})")
HARMLESS = (
    "id", "(id)", "-id", "id::DOUBLE", "id + born", "id * born", "id * 2", "(id - 5) * (1 - born)", "id / 2",
    "id / born", "coalesce(id, 0)", "length(email)", "round(id * 1.5, 1)", "len(tags)", "{'a': id, 'b': born}.a",
)  # fmt: skip
SINGLING_OUT = (
    "CASE WHEN born = 1980 THEN id END", "if(born = 1980, id, 0)", "id * (email = 'a')::INT", "nullif(id, 2)",
    "id * (email LIKE 'a%')::INT", "id * starts_with(email, 'a')::INT", "id * instr(email, 'a')", "power(10, id)",
    "1 << id", "id * id * 0.5", "(id - 1) * (id - 2)", "id / (1 + born * 1000)", "id // 1000", "id % 7",
    "greatest(id, 3)", "exp(-id)", "[0, id][born - 1978]", "map {'a': id}[email]", "len(regexp_extract(email, 'a'))",
    "TRY_CAST(replace(email, '@', '') AS INTEGER)", "list_sum(list_filter([id], lambda v: v = 2))", "xor(id, 5)",
    "id * list_sum(list_transform([born], lambda v: v - 1))", "id * len([v FOR v IN tags IF v = 'a'])",
    "2 * (SELECT max(c.born) FROM customers AS c WHERE c.id = customers.id)",
    "id * abs(sign(born - 1980))", "id * (born BETWEEN 1 AND 2)::INT", "id * (NOT born IN (1, 2))::INT",
)  # fmt: skip


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize(
    ("values", "masks"), [(HARMLESS, True), (SINGLING_OUT, False)], ids=["harmless", "singling out"]
)
def test_a_statistic_masks_what_cannot_single_out_a_person(
    statistic: str, values: tuple[str, ...], masks: bool
) -> None:
    for value in values:
        direct = f"SELECT {statistic.format(value)} AS x FROM customers HAVING count(DISTINCT id) >= 2"
        assert is_masked(direct) is masks, value
        source = f"(SELECT id, {value} AS v FROM customers)"
        behind = f"SELECT {statistic.format('v')} AS x FROM {source} HAVING count(DISTINCT id) >= 2"
        assert is_masked(behind) is masks, value


JOINED = {
    "FROM orders JOIN customers ON id = customer": True,
    "FROM orders JOIN customers ON customer::BIGINT = id::BIGINT AND born > 1900": True,
    "FROM orders JOIN (SELECT id AS customer, id, town FROM customers) USING (customer)": True,
    "FROM orders JOIN customers ON id <> customer": False,
    "FROM orders JOIN customers ON customer >= id": False,
    "FROM orders ASOF JOIN customers ON customer >= id": False,
    "FROM orders JOIN customers ON id = customer OR true": False,
    "FROM orders JOIN customers ON id % 1 = customer % 1": False,
    "FROM orders CROSS JOIN customers": False,
    "FROM orders POSITIONAL JOIN customers": False,
    "FROM orders JOIN (SELECT id AS c FROM customers) ON c = customer CROSS JOIN customers": False,
}


@pytest.mark.parametrize(("source", "masks"), JOINED.items(), ids=JOINED)
def test_only_people_that_are_joined_to_themselves_are_many(source: str, masks: bool) -> None:
    kept = "GROUP BY town HAVING count(DISTINCT customer) >= 2"
    assert is_masked(f"SELECT sum(id) AS x {source} {kept}") is masks
    assert (
        is_masked(f"WITH q AS (SELECT id, town, customer {source}) SELECT avg(id) AS x FROM q {kept}")
        is masks
    )


@pytest.mark.parametrize("on", ["true", "a.day = b.day", "a.customer = b.customer"])
def test_of_two_rows_of_one_table_the_counted_one_is_many(on: str) -> None:
    kept = "GROUP BY a.day HAVING count(DISTINCT a.customer) > 4"
    text = f"SELECT sum({{}}) AS x FROM orders AS a JOIN orders AS b ON {{}} {kept}"
    assert is_masked(text.format("a.customer", on))
    assert not is_masked(text.format("b.customer", on))
