"""Definitions: a statement decomposed into named queries, each over tables and other definitions only.

Entries of WITH, subqueries in FROM, sides of set operations and subqueries of expressions become separate definitions,
unless they are correlated. Such a chain can be followed from its end to its tables.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
from duckdb.sqltypes import DuckDBPyType

from recsys_lineage.rows.statement.catalog import ORIGIN, UNKNOWN, Catalog, Column, RowTraceError
from recsys_lineage.rows.statement.columns.schema_names import leave_out_schemas
from recsys_lineage.rows.statement.columns.shared_columns import name_shared_columns
from recsys_lineage.rows.statement.definition import MAIN, Definition
from recsys_lineage.rows.statement.row_facts.recursion import goes_row_by_row
from recsys_lineage.rows.statement.syntax import (
    Node,
    body_of,
    children,
    common_tables,
    copied,
    everything,
    is_expression,
    is_query,
    is_star,
    parameters_in,
    parts,
    set_children,
    whole_of,
)  # fmt: skip
from recsys_lineage.sql.file_call import FILE_FUNCTIONS, PURE_FUNCTIONS
from recsys_lineage.sql.names import quote
from recsys_lineage.sql.sql_place import place_in

_RECURRING = "recurring"
"""The schema with which a recursive query names all of its rows so far."""
_ROW_NUMBER = "rowid"
_ENDS = ("ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER")


class Statement:
    """A statement as definitions in dependency order.

    Attributes:
        definitions: folded name → definition; the last is the statement itself.
        parameters: the sorted names of its `$name` parameters.
        sampled: its parts with random samples; it is decomposed as if all rows were drawn.
        aside: folded names of definitions whose rows are not followed, see `whole_tables.py`.

    Raises:
        SqlAssetError: DuckDB refuses the statement.
        RowTraceError: a part of it cannot be traced.
    """

    def __init__(self, sql: str, catalog: Catalog) -> None:
        self.sql = sql
        self.catalog = catalog
        self.definitions: dict[str, Definition] = {}
        self.aside: frozenset[str] = frozenset()
        self._names = 0
        parsed = catalog.syntax.parsed(sql)
        if isinstance(parsed, str):
            raise self._unparsed(parsed)
        self.parameters = parameters_in(parsed)
        try:
            columns = catalog.columns_of(f"SELECT * FROM (\n{sql}\n)", self.parameters)
        except duckdb.Error as error:
            raise catalog.refused(sql, error, lines_before=1) from None
        self._refuse_versions(parsed)
        self._refuse_hidden_reads(parsed)
        leave_out_schemas(parsed)
        self.sampled = _without_samples(parsed)
        main = self._add(MAIN, parsed, {}, [])
        names = [column.name for column in columns]
        if names != [
            column.name for column in main.columns
        ]:  # a subquery without alias is called by its text
            main.aliases, main.columns = names, columns

    def result_types(self) -> list[DuckDBPyType | None]:
        """The types of the result's columns, in order; None for a column that is a plain NULL or parameter.

        Raises:
            RowTraceError: DuckDB does not parse a type that it printed.
        """
        try:
            return [
                None if column.type == UNKNOWN else self.catalog.connection.sqltype(column.type)
                for column in self.main.columns
            ]
        except duckdb.Error as error:  # DuckDB 1 writes the type of row(…), but does not read it
            raise self.cannot(
                f"a column whose type DuckDB {duckdb.__version__} does not read: {str(error).splitlines()[0]}",
                advice="give the fields of rows names: {'a': x, 'b': y} instead of row(x, y)",
            ) from None

    @property
    def main(self) -> Definition:
        """The statement itself."""
        return self.definitions[MAIN]

    def place(self, part: Node | None) -> str:
        """Position of a part in the text."""
        start = (part or {}).get("query_location")
        return place_in(self.sql, start if start is not None and start < len(self.sql) else None, ORIGIN)

    def cannot(self, what: str, part: Node | None = None, advice: str | None = None) -> RowTraceError:
        """The error for a part that cannot be traced."""
        return RowTraceError(
            f"Rows cannot be traced through {what}.",
            found=what,
            where=self.place(part),
            advice=advice or "write that part of the statement in another way",
        )

    def _unparsed(self, message: str) -> Exception:
        other = "Only SELECT" in message or "statements" in message
        try:
            self.catalog.connection.execute(f"DESCRIBE\n{self.sql}")
        except duckdb.Error as error:
            if not other:
                return self.catalog.refused(self.sql, error, 1)
        found = message.replace("Only SELECT statements can be serialized to json!", "another statement")
        return RowTraceError(
            "The SQL is not one SELECT whose columns are known from its text.",
            expected="a single SELECT, WITH … SELECT or set operation",
            found=found,
            where=ORIGIN,
            advice="name the values of a PIVOT: PIVOT t ON c IN ('a', 'b') USING …"
            if "PIVOT" in self.sql.upper()
            else "give the one SELECT whose result the row is of",
        )

    def _refuse_versions(self, query: Node) -> None:
        for part in everything(query):
            if part.get("at_clause"):
                raise self.cannot("a table AT a version", part, "read the version as a table of its own")

    def _refuse_hidden_reads(self, query: Node) -> None:
        """Refuse reads of a table, or of a row's number in it, that a trace would not see."""
        named = {column.name.casefold() for columns in self.catalog.columns.values() for column in columns}
        named |= {str(part.get("alias", "")).casefold() for part in everything(query)}
        for part in everything(query):
            if (
                is_expression(part, "COLUMN_REF")
                and part["column_names"][-1].casefold() == _ROW_NUMBER not in named
            ):
                raise self.cannot(
                    "rowid, which is no value of a row", part, "number rows by row_number() OVER (ORDER BY …)"
                )
            function = part.get("function") if part.get("type") == "TABLE_FUNCTION" else None
            name = str(function.get("function_name", "")).casefold() if isinstance(function, dict) else ""
            if name and name not in PURE_FUNCTIONS and name not in FILE_FUNCTIONS:
                raise self.cannot(f"the table function {name}", part, "read its table in a FROM clause")

    def _add(self, name: str, query: Node, known: Mapping[str, str], aliases: list[str]) -> Definition:
        query = self._hoisted(query, known)
        definition = Definition(name, query, aliases=aliases)
        definition.columns = self._described(definition)
        return self._kept(definition)

    def _kept(self, definition: Definition) -> Definition:
        definition.reads = [
            part["table_name"].casefold()
            for part in everything(definition.query)
            if part.get("type") == "BASE_TABLE"
        ]
        self.definitions[definition.name.casefold()] = definition
        if definition.name != MAIN and not definition.recursive:
            self.catalog.add(definition.name, definition.columns)
        return definition

    def _described(self, definition: Definition) -> tuple[Column, ...]:
        """Columns as visible to a reader of the definition."""
        text = self.catalog.syntax.text(definition.query)
        aliases = f"({', '.join(quote(each) for each in definition.aliases)})" if definition.aliases else ""
        return self.catalog.columns_of(
            f"SELECT * FROM ({text}) AS {quote(definition.name)}{aliases}", parameters_in(definition.query)
        )

    def _name(self, word: str) -> str:
        while True:
            self._names += 1
            name = f"__{self._names}_{word}"
            if name.casefold() not in self.catalog.columns:
                return name

    def _hoisted(self, query: Node, known: Mapping[str, str], itself: str = "") -> Node:
        """The query with its independent parts replaced by definitions.

        Args:
            query: any query node.
            known: folded name of a visible WITH entry → its definition.
            itself: for the recursive side of a WITH entry, its definition.
        """
        query = copied(query)
        known = dict(known)
        for key, entry in common_tables(query):
            body = body_of(entry)
            if body["type"] == "RECURSIVE_CTE_NODE":
                known[key.casefold()] = self._recursive(key, entry, known)
                continue
            before = [*self.definitions]
            try:
                made = self._add(self._name(key), body, known, list(entry.get("aliases", [])))
            except duckdb.Error:
                self._forget_but(before)
                self._put_in_place(key, entry, query)
                _ = known.pop(key.casefold(), None)
                continue
            made.materialized = entry.get("materialized", "")
            known[key.casefold()] = made.name
        query["cte_map"] = {"map": []}
        if query["type"] == "SET_OPERATION_NODE":
            sides = [
                self._hoisted(side, known, itself) if itself else self._reference(side, known, "side")
                for side in children(query)
            ]
            set_children(query, sides)
        elif query["type"] != "SELECT_NODE":
            raise self.cannot("a recursive query that is no entry of WITH", query)
        self._replace_in(query, known, itself)
        if query["type"] == "SELECT_NODE":
            name_shared_columns(query["from_table"], self.catalog)
        return query

    def _reference(self, query: Node, known: Mapping[str, str], word: str) -> Node:
        """A query that reads a definition made from the given query; the query itself, if it is correlated."""
        before = [*self.definitions]
        try:
            name = self._add(self._name(word), query, known, []).name
        except duckdb.Error:
            self._forget_but(before)
            return self._hoisted(query, known)
        parsed = self.catalog.syntax.parsed(f"SELECT * FROM {quote(name)}")
        assert isinstance(parsed, dict)
        return parsed

    def _forget_but(self, names: list[str]) -> None:
        for left_over in [each for each in self.definitions if each not in names]:
            del self.definitions[left_over]
            self.catalog.drop(left_over)

    def _put_in_place(self, key: str, entry: Node, query: Node) -> None:
        """Inline a WITH entry that uses columns of the enclosing query wherever it is read, in place."""
        entries = common_tables(query)
        places = [name for name, _ in entries]
        later = [body_of(each) for _, each in entries[places.index(key) + 1 :]]
        for part in everything([[part for name, part in query.items() if name != "cte_map"], later]):
            if part.get("type") == "BASE_TABLE" and part["table_name"].casefold() == key.casefold():
                alias, names = part.get("alias") or part["table_name"], part.get("column_name_alias") or []
                part.clear()
                part.update(self.catalog.syntax.relation(f"(SELECT 1) AS {quote(alias)}"))
                part["subquery"]["node"] = copied(body_of(entry))
                part["column_name_alias"] = names or [*entry.get("aliases", [])]

    def _recursive(self, key: str, entry: Node, known: dict[str, str]) -> str:
        body = body_of(entry)
        keys = body.get("key_targets") or entry.get("key_targets") or []
        name = self._name(key)
        left = self._reference(body["left"], known, f"{key}_start")
        aliases = list(entry.get("aliases", []))
        start = Definition(name, left, aliases=aliases)
        start.columns = self._described(start)
        self.catalog.add(name, start.columns)
        right = self._hoisted(self._whole(body["right"]), {**known, key.casefold(): name}, itself=name)
        query = copied(body)
        query["left"], query["right"], query["cte_name"] = left, right, name
        query["cte_map"] = {"map": []}
        so_far = any(str(part.get("schema_name", "")).casefold() == _RECURRING for part in everything(right))
        whole = bool(keys) or so_far or not goes_row_by_row(right, name, self.catalog.aggregates)
        made = Definition(name, query, start.columns, aliases, recursive=True, whole=whole, keys=keys)
        self._kept(made)
        return name

    def _whole(self, side: Node) -> Node:
        """A side of a recursive query with its ORDER BY or LIMIT in parentheses, which DuckDB does not write."""
        if not any(each["type"] in _ENDS for each in side.get("modifiers", [])):
            return side
        whole = self.catalog.syntax.parsed(f"SELECT * FROM (SELECT 1) AS {quote(self._name('side'))}")
        assert isinstance(whole, dict)
        whole["from_table"]["subquery"]["node"] = copied(side)
        return whole

    def _replace_in(self, query: Node, known: Mapping[str, str], itself: str) -> None:
        """Replace the relations and subqueries of one query by definitions, in place."""
        for part in [*parts(query)]:
            kind = part.get("type")
            if kind == "BASE_TABLE":
                self._rename(part, known)
            elif kind == "SUBQUERY" and not is_expression(part, "SUBQUERY"):
                alias, columns = part.get("alias", ""), part.get("column_name_alias", [])
                part["subquery"]["node"] = inner = self._inner(part["subquery"]["node"], known, itself)
                if (name := whole_of(inner)) is not None:
                    relation = self.catalog.syntax.relation(
                        f"{quote(name)} AS {quote(alias or self._name('unnamed'))}"
                    )
                    relation["column_name_alias"] = columns
                    part.clear()
                    part.update(relation)
                elif not alias:  # the parser leaves some without a name, as below ARRAY(SELECT … ORDER BY …)
                    part["alias"] = self._name("unnamed")
            elif is_expression(part, "SUBQUERY"):
                part["subquery"]["node"] = self._inner(part["subquery"]["node"], known, itself)
            elif kind in ("PIVOT", "SHOW_REF") and not (part is query["from_table"] and is_star(query)):
                alias = part.get("alias") or self._name("unnamed")
                parsed = self.catalog.syntax.parsed("SELECT * FROM a")
                assert isinstance(parsed, dict)
                parsed["from_table"] = {**copied(part), "alias": "", "column_name_alias": []}
                inner = self._reference(parsed, known, "shaped")
                relation = self.catalog.syntax.relation(
                    f"{quote(inner['from_table']['table_name'])} AS {quote(alias)}"
                )
                relation["column_name_alias"] = part.get("column_name_alias", [])
                part.clear()
                part.update(relation)
            elif kind == "SHOW_REF" and is_query(part.get("query")):
                part["query"] = self._inner(part["query"], known, itself)

    def _inner(self, query: Node, known: Mapping[str, str], itself: str) -> Node:
        if itself and any(
            part.get("type") == "BASE_TABLE" and known.get(part["table_name"].casefold()) == itself
            for part in everything(query)
        ):
            return self._hoisted(query, known, itself)
        reference = self._reference(query, known, "query")
        made = self.definitions.get(reference.get("from_table", {}).get("table_name", "").casefold())
        if made is not None:
            made.in_expression = True
        return reference

    def _rename(self, table: Node, known: Mapping[str, str]) -> None:
        name = known.get(table["table_name"].casefold())
        schema = table.get("schema_name", "")
        recurring = schema.casefold() == _RECURRING and name is not None
        if schema and not recurring:
            # only tables of the names given are there, so DuckDB took the schema for theirs
            table.update(schema_name="", catalog_name="", alias=table.get("alias") or table["table_name"])
            if "qualified_name" in table:
                table["qualified_name"] = {**table["qualified_name"], "path": [table["table_name"]]}
            return
        if name is None:
            return
        table["alias"] = table.get("alias") or table["table_name"]
        table["table_name"] = name
        if "qualified_name" in table:
            table["qualified_name"] = {
                **table["qualified_name"],
                "path": [schema, name] if recurring else [name],
            }


def _without_samples(query: Node) -> list[Node]:
    """Remove every sample of a syntax tree, in place; returns the sampled parts, except those with samples of all
    rows."""
    sampled: list[Node] = []
    for part in everything(query):
        if sample := part.get("sample"):
            part["sample"] = None
            if not (sample["is_percentage"] and sample["sample_size"]["value"] == 100):
                sampled.append(part)
    return sampled
