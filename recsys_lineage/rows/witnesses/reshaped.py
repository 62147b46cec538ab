"""Reshaped rows: the origins of the rows of PIVOT, UNPIVOT, SUMMARIZE and DESCRIBE."""

from __future__ import annotations

import duckdb

from recsys_lineage.rows.statement.catalog import Column
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.from_item import FromItem
from recsys_lineage.rows.statement.syntax import Node, copied, everything, is_expression, parameters_in, parts
from recsys_lineage.rows.witnesses.contribution import Contribution
from recsys_lineage.rows.witnesses.witnessed_query import Witnessed
from recsys_lineage.sql.names import quote


def of_reshaped(query: Node, item: FromItem, statement: Statement, contribution: Contribution) -> Witnessed:
    """Such a query with a column for the origins of its rows.

    A row of UNPIVOT comes from one row, a row of PIVOT from those equal in the remaining columns, a row of SUMMARIZE
    from all.

    Args:
        query: `SELECT *` of the relation alone.
        item: the reshaped table.
        statement: the statement that contains the query.
        contribution: the content of the column.
    """
    relation = query["from_table"]
    if relation["type"] == "PIVOT" and relation.get("unpivot_names"):
        carried = _carried(query, item, statement, contribution)
        if carried is not None:
            return Witnessed(carried, [item.table], {item.table: 1})
    syntax, same = statement.catalog.syntax, ["true"]
    if relation["type"] == "PIVOT":
        stays = _kept(relation, query, item, statement)
        same += [
            f"__given.{quote(name)} IS NOT DISTINCT FROM __shaped.{quote(name)}"
            for name in item.columns or ()
            if name.casefold() in stays
        ]
    table = quote(item.node["table_name"])
    lists = f"(SELECT {contribution.one_of(item)} FROM {table} AS __given WHERE {' AND '.join(same)})"
    made = syntax.parsed(f"SELECT *, {lists} AS __w0 FROM ({syntax.text(query)}) AS __shaped")
    assert isinstance(made, dict)
    return Witnessed(made, [item.table], {item.table: 1})


def _carried(query: Node, item: FromItem, statement: Statement, contribution: Contribution) -> Node | None:
    """An UNPIVOT whose rows carry the annotation of their origin, because a list of equal rows for each would be
    quadratic. None if a pattern for its columns would match the added column.
    """
    syntax = statement.catalog.syntax

    def with_column(content: str) -> Node:
        made = copied(query)
        relation = made["from_table"]
        source = relation["source"]
        alias = source.get("alias") or source["table_name"]
        names = source.get("column_name_alias") or []
        columns = f"({', '.join(map(quote, names))})" if names else ""
        given = f"(SELECT *, {content} AS __w0 FROM {quote(source['table_name'])} AS __given{columns})"
        relation["source"] = syntax.relation(f"{given} AS {quote(alias)}")
        for each in parts(relation["pivots"]):
            if is_expression(each, "STAR"):
                each["exclude_list"] = [*each.get("exclude_list", []), "__w0"]
        parsed = syntax.parsed(f"SELECT * EXCLUDE (__w0), __w0 FROM ({syntax.text(made)}) AS __shaped")
        assert isinstance(parsed, dict)
        return parsed

    try:
        columns = _columns(with_column("true"), statement)
    except duckdb.Error:
        return None
    if columns[:-1] != _columns(query, statement):
        return None
    return with_column(contribution.of_row(item))


def _columns(query: Node, statement: Statement) -> tuple[Column, ...]:
    text = statement.catalog.syntax.text(query)
    return statement.catalog.columns_of(text, parameters_in(query), sure=False)


def _kept(relation: Node, query: Node, item: FromItem, statement: Statement) -> set[str]:
    """The columns of its source, folded, whose values the rows of a PIVOT or UNPIVOT keep.

    A value of a PIVOT may be called like a column of its source, and is none.
    """
    names = [*relation.get("unpivot_names", [])]
    names += [name for each in relation["pivots"] for name in each.get("unpivot_names", [])]
    if names:
        folded = {column.name.casefold() for column in _columns(query, statement)}
        return folded - {name.casefold() for name in names}
    if groups := relation.get("groups"):
        return {name.casefold() for name in groups}
    used = everything([relation.get("aggregates"), relation["pivots"]])
    read = {part["column_names"][-1].casefold() for part in used if is_expression(part, "COLUMN_REF")}
    return {name.casefold() for name in item.columns or ()} - read
