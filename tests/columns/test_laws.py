"""What changes nothing in a query's meaning changes nothing in its edges."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage import ColumnEdge, column_lineage
from recsys_lineage.sql.names import quote
from tests.columns.made_queries import Made, joined_groups, queries
from tests.columns.written_cases import SCHEMAS, Case, cases
from tests.examples import examples

WRAPS = {
    "subquery": "SELECT * FROM ({sql}) AS q",
    "common table expression": "WITH q AS ({sql}) SELECT * FROM q",
    "two of them": "WITH p AS (SELECT 1 AS one), q AS (SELECT * FROM ({sql})) SELECT q.* FROM q",
    "parentheses": "({sql})",
    "from first": "FROM ({sql})",
    "left side of a semi join": "SELECT * FROM ({sql}) AS q SEMI JOIN (SELECT 1) AS one ON true",
    "beside a single row": "SELECT q.* FROM ({sql}) AS q CROSS JOIN (SELECT count(*) AS n FROM u) AS one",
}
MANY = settings(deadline=None, max_examples=examples(150))
SOME = settings(deadline=None, max_examples=examples(40))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
@pytest.mark.parametrize("case", cases(), ids=str)
def test_wrapping_changes_nothing(case: Case, wrap: str) -> None:
    assert column_lineage(wrap.format(sql=case.sql), SCHEMAS) == column_lineage(case.sql, SCHEMAS)


@pytest.mark.parametrize("case", cases(), ids=str)
def test_names_and_order_of_columns_are_only_names_and_order(case: Case) -> None:
    found = column_lineage(case.sql, SCHEMAS)
    names = [f"n{place}" for place in range(len(found))]
    turned = f"SELECT {', '.join(reversed(names))} FROM ({case.sql}) AS q({', '.join(names)})"
    again = column_lineage(turned, SCHEMAS)
    assert list(again) == names[::-1]
    assert list(again.values())[::-1] == list(found.values())


@pytest.mark.sampled(3)
@pytest.mark.parametrize("case", cases(), ids=str)
def test_each_column_is_found_by_its_name_in_a_subquery(case: Case) -> None:
    found = column_lineage(case.sql, SCHEMAS)
    listed = ", ".join(quote(name) for name in found)
    assert column_lineage(f"SELECT {listed} FROM ({case.sql}) AS q", SCHEMAS) == found


@pytest.mark.parametrize("case", cases(), ids=str)
def test_other_tables_change_nothing(case: Case) -> None:
    more = {"other": {"a": "INTEGER", "zz": "VARCHAR"}, **SCHEMAS, "another": {"b": "DATE"}}
    assert column_lineage(case.sql, more) == column_lineage(case.sql, SCHEMAS)


@MANY
@given(queries(), st.sampled_from(sorted(WRAPS)))
def test_wrapping_made_queries_changes_nothing(made: Made, wrap: str) -> None:
    assert column_lineage(WRAPS[wrap].format(sql=made.sql), SCHEMAS) == column_lineage(made.sql, SCHEMAS)


@MANY
@given(queries(), st.data())
def test_each_column_alone_has_the_same_edges(made: Made, data: st.DataObject) -> None:
    found = column_lineage(made.sql, SCHEMAS)
    chosen = data.draw(st.lists(st.sampled_from(made.columns), min_size=1, unique=True))
    again = column_lineage(f"SELECT {', '.join(chosen)} FROM ({made.sql}) AS q", SCHEMAS)
    assert again == {name: found[name] for name in chosen}


@MANY
@given(queries())
def test_upper_case_changes_nothing(made: Made) -> None:
    sql = made.sql.upper().replace("'P'", "'p'").replace("'Q'", "'q'")
    again = column_lineage(sql, SCHEMAS)
    assert list(again.values()) == list(column_lineage(made.sql, SCHEMAS).values())


@MANY
@given(queries(), st.sampled_from(["z", "left_one", "T", "o1"]))
def test_aliases_of_tables_change_nothing(made: Made, alias: str) -> None:
    sql = made.sql.replace("x.", f"{alias}.").replace("t AS x", f"t AS {alias}")
    assert column_lineage(sql, SCHEMAS) == column_lineage(made.sql, SCHEMAS)


@MANY
@given(queries())
def test_unused_columns_change_nothing(made: Made) -> None:
    more = {table: {"zz": "BLOB", **columns, "zy": "DATE[]"} for table, columns in SCHEMAS.items()}
    assert column_lineage(made.sql, more) == column_lineage(made.sql, SCHEMAS)


@MANY
@given(queries())
def test_renaming_a_table_and_its_columns_renames_the_edges(made: Made) -> None:
    renamed = {name: kind for name, kind in SCHEMAS["t"].items()}
    schemas = {**SCHEMAS, "old": {f"old_{name}": kind for name, kind in renamed.items()}}
    listed = ", ".join(f"old_{name} AS {name}" for name in renamed)
    again = column_lineage(f"WITH t AS (SELECT {listed} FROM old) SELECT * FROM ({made.sql})", schemas)

    def of_old(edge: ColumnEdge) -> ColumnEdge:
        if edge.table != "t":
            return edge
        return ColumnEdge("old", f"old_{edge.column}", edge.kind, edge.subtype, edge.masking)

    found = column_lineage(made.sql, SCHEMAS)
    assert again == {name: sorted(map(of_old, edges)) for name, edges in found.items()}


def _direct(sql: str) -> list[list[ColumnEdge]]:
    """Of each column, in order, what its values are made of."""
    return [
        [edge for edge in edges if edge.kind == "DIRECT"] for edges in column_lineage(sql, SCHEMAS).values()
    ]


@SOME
@given(joined_groups())
def test_a_comma_binds_less_than_join(groups: list[tuple[str, list[tuple[str, str]]]]) -> None:
    texts = [text for text, _ in groups]
    together = f"SELECT * FROM {', '.join(texts)}"
    # DuckDB 1.5 takes no lone table in parentheses
    closed = [f"({text})" if len(relations) > 1 else text for text, relations in groups]
    apart = f"SELECT * FROM {' CROSS JOIN '.join(closed)}"
    assert column_lineage(together, SCHEMAS) == column_lineage(apart, SCHEMAS)
    assert _direct(together) == [each for text in texts for each in _direct(f"SELECT * FROM {text}")]


@SOME
@given(joined_groups(), st.data())
def test_a_star_leaves_out_the_column_of_one_relation(
    groups: list[tuple[str, list[tuple[str, str]]]], data: st.DataObject
) -> None:
    source = ", ".join(text for text, _ in groups)
    kept = [
        (alias, name)
        for _, relations in groups
        for alias, table in relations
        for name in SCHEMAS[table]
        if name != "a"
    ]
    left_out = data.draw(st.lists(st.sampled_from(kept), min_size=1, unique=True))
    excluded = ", ".join(f"{alias}.{name}" for alias, name in left_out)
    star = column_lineage(f"SELECT * EXCLUDE ({excluded}) FROM {source}", SCHEMAS)
    rest = [f"{alias}.{name}" for alias, name in kept if (alias, name) not in left_out]
    listed = column_lineage(f"SELECT 1 AS one, {', '.join(rest)} FROM {source}", SCHEMAS)
    assert [edges for name, edges in star.items() if name[0] != "a"] == list(listed.values())[1:]
