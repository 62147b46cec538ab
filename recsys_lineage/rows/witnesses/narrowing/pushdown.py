"""Pushdown: conditions on the wanted rows of a query's result, pushed down to the rows of its relations.

DuckDB itself pushes filters down to the scans, except through WITH entries that are read twice, windows and subqueries.
Here the values of the wanted row are pushed through keys of groups, partitions and joins, and into the subqueries of IN
(magic sets: Bancilhon et al., PODS 1986), so that a scan of a large table skips nearly all of it. Only rows that cannot
be part of a wanted row are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from recsys_lineage.rows.statement.catalog import Column
from recsys_lineage.rows.statement.columns.column_places import Place, place_of
from recsys_lineage.rows.statement.condition import Condition, Conditions, best_column, comparable
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import Definition
from recsys_lineage.rows.statement.from_item import FromItem, from_items
from recsys_lineage.rows.statement.steps import Fixed, Steps, Whole, Within
from recsys_lineage.rows.statement.syntax import (
    Node,
    children,
    conjuncts,
    copied,
    is_expression,
    is_query,
    parts,
    subqueries,
)
from recsys_lineage.rows.witnesses.narrowing.filters import filters
from recsys_lineage.rows.witnesses.narrowing.inputs import inputs_of
from recsys_lineage.rows.witnesses.narrowing.knowledge import LIMITS, Knowledge, conditions_of_item
from recsys_lineage.rows.witnesses.witness import Witnesses
from recsys_lineage.rows.witnesses.witnessed_query import Partition
from recsys_lineage.sql.names import quote


class Pushdown(Knowledge):
    """Relations restricted to rows that can be part of wanted rows.

    Args:
        statement: the decomposed statement.
        witnesses: the statement's witnesses.
        steps: the steps to which the relations are added.
        once: folded names of definitions to compute as a whole.
    """

    def __init__(
        self,
        statement: Statement,
        witnesses: Witnesses,
        steps: Steps,
        once: Collection[str] = (),
    ) -> None:
        super().__init__(witnesses)
        self.original: dict[str, str] = {}
        self._steps, self._once = steps, once
        self._requested: dict[str, str] = {}
        self._made: dict[tuple[str, tuple[tuple[int, Condition], ...]], str] = {}

    def name_of(self, table: str) -> str:
        """The folded name of the table or definition that a relation is a part of."""
        return self.original.get(table, table)

    def part_of(self, table: str, conditions: Conditions) -> str:
        """The name of the part of a table or definition (folded) whose rows satisfy conditions; itself without any."""
        definition = self.statement.definitions.get(table)
        conditions = comparable(conditions, self.catalog.columns[table])
        if not conditions:
            return definition.name if definition is not None else self.catalog.tables[table]
        key = (table, tuple(sorted(conditions.items(), key=lambda each: each[0])))
        if key in self._made:
            return self._made[key]
        name = f"__part{len(self._made)}"
        self._made[key] = name
        columns = self.catalog.columns[table]
        whole, inputs = None, ()
        shaped = self._is_shaped(table)
        if definition is None:
            body, own = quote(self.catalog.tables[table]), [quote(column.name) for column in columns]
        elif (
            definition.recursive or table in self._once or not self._is_worth_pushing(definition, conditions)
        ):
            body, own = quote(definition.name), [quote(column.name) for column in columns]
            inputs = ((table,),)
        else:
            own = [f"__o{n}" for n in range(len(columns))]
            query = self.pushed(definition.query, conditions, len(columns))
            inputs = inputs_of(query, self._witnesses)
            body = f"({self.syntax.text(query)}) AS __q({', '.join(own)})"
            requested = tuple(each.requested[0].strip('"') for each in conditions.values() if each.requested)
            if requested and not shaped and not self._witnesses.is_row_by_row(definition.query):
                quoted = [quote(column.name) for column in columns]
                text = self._where(quote(definition.name), quoted, conditions, columns)
                whole = Whole(text, definition.name, requested, self._tables_of(definition))
        # what DuckDB finds by a small table it is not to compute other filters for before
        stored = len(conditions) == len(columns) or any(each.requested for each in conditions.values())
        stored |= len(columns) == 1 and any(each.few for each in conditions.values())
        stored &= not shaped
        names = [column.name for column in columns]
        requests = next((each.requests.strip('"') for each in conditions.values() if each.requests), "")
        text, types = self._where(body, own, conditions, columns), [column.type for column in columns]
        within = self._within(table, conditions, columns) if stored else None
        few = 0 if stored or shaped or any(each.few for each in conditions.values()) else 1
        self._steps.add(
            name,
            text,
            names,
            stored=stored,
            of=requests,
            inputs=inputs,
            types=types,
            whole=whole,
            within=within,
            few=few,
            fixed=self._fixed(table, conditions, columns) if few else None,
        )
        self.original[name] = table
        self.catalog.columns[name] = columns
        return name

    def _within(self, table: str, conditions: Conditions, columns: Sequence[Column]) -> Within | None:
        """Specification of a part, so that it can be read from a larger one."""
        given = sorted(conditions.items(), key=lambda pair: pair[0])
        requested = tuple(
            (n, each.requested[0].strip('"'), each.requested[1], each.refuses_null)
            for n, each in given
            if each.requested
        )
        answers = len(given) == 1 and bool(given[0][1].answers)
        if answers:
            ((n, condition),) = given
            requested = ((n, condition.requests.strip('"'), condition.answers, False),)
        if not requested or table in self._once:
            return None
        text = self._of_larger(conditions, columns)
        return Within(table, requested, len(requested) == len(conditions), text, answers)

    def _fixed(self, table: str, conditions: Conditions, columns: Sequence[Column]) -> Fixed | None:
        """Specification of a part by conditions that name no step."""
        if table in self._once or any(each.requested or each.requests for each in conditions.values()):
            return None
        texts = tuple(sorted(f"{n} {each.template}" for n, each in conditions.items()))
        return Fixed(table, texts, self._of_larger(conditions, columns))

    def _of_larger(self, conditions: Conditions, columns: Sequence[Column]) -> str:
        """The SQL of a part over a larger one, with `\0` in place of its name."""
        own = [quote(column.name) for column in columns]
        return self._where(f"(SELECT * FROM \0) AS __p({', '.join(own)})", own, conditions, columns)

    def _is_shaped(self, table: str) -> bool:
        """Whether a definition is a PIVOT, UNPIVOT or SUMMARIZE, which computes all rows for any of them."""
        definition = self.statement.definitions.get(table)
        kind = {} if definition is None else definition.query.get("from_table", {})
        return kind.get("type") in ("PIVOT", "SHOW_REF")

    def _tables_of(self, definition: Definition) -> tuple[str, ...]:
        """The tables behind a definition."""
        seen: set[str] = set()
        open_ = [*definition.reads]
        while open_:
            name = open_.pop()
            below = self.statement.definitions.get(name)
            if below is not None and name not in seen:
                open_ += below.reads
            seen.add(name)
        return tuple(self.catalog.tables[name] for name in sorted(seen) if name in self.catalog.tables)

    def _is_worth_pushing(self, definition: Definition, conditions: Conditions) -> bool:
        """Whether conditions exclude rows below a definition, unless its author wants all its rows stored."""
        if definition.reads and all(map(self._is_shaped, definition.reads)):
            return False
        if definition.materialized != "CTE_MATERIALIZE_ALWAYS" or definition.query["type"] != "SELECT_NODE":
            return True
        query, width = definition.query, len(definition.columns)
        if any(self.known_of_items(query, conditions, width).values()):
            return True
        items = from_items(query["from_table"], self.catalog)
        if not self.is_open(query, items):
            return False
        return bool(
            filters(query, items, conditions, width, self._witnesses)
            or self._known_of_partitions(query, items, conditions, width)
        )

    def _where(self, body: str, own: list[str], conditions: Conditions, columns: Sequence[Column]) -> str:
        """The rows of a relation that satisfy conditions.

        One column lets DuckDB skip data, so rows in which it is NULL are queried separately.
        """
        requested = [n for n, each in conditions.items() if each.requested and not each.refuses_null]
        if not requested or body.startswith("("):
            of = Condition.of_computed if body.startswith("(") else Condition.of
            texts = [of(each, own[n]) for n, each in conditions.items()]
            return f"SELECT * FROM {body} WHERE {' AND '.join(texts)}"
        best = best_column(columns, requested)
        rest = "".join(f" AND {each.of(own[n])}" for n, each in conditions.items() if n != best)
        table, column = conditions[best].requested or ("", "")
        return (
            f"SELECT * FROM {body} WHERE {own[best]} IN (SELECT {column} FROM {table}){rest} UNION ALL "
            f"SELECT * FROM {body} WHERE {own[best]} IS NULL AND {conditions[best].of(own[best])}{rest}"
        )

    def pushed(self, query: Node, conditions: Conditions, width: int) -> Node:
        """A query over parts of its relations, which returns all its rows that satisfy conditions, and maybe others."""
        if not conditions:
            return query
        query = copied(query)
        if query["type"] == "SET_OPERATION_NODE":
            self._push_into_sides(query, conditions)
            return query
        if query["from_table"]["type"] in ("PIVOT", "SHOW_REF"):
            return query
        items = from_items(query["from_table"], self.catalog)
        if not self.is_open(query, items):
            return query
        known = self._known(query, items, conditions, width)
        known |= self._known_of_partitions(query, items, conditions, width)
        if added := filters(query, items, conditions, width, self._witnesses):
            before = [self.syntax.expression_text(query["where_clause"])] if query.get("where_clause") else []
            query["where_clause"] = self.syntax.expression(
                " AND ".join(f"({each})" for each in [*added, *before])
            )
        if known:
            self._put_parts(items, known)
            self.push_into_subqueries(query)
        return query

    def _put_parts(self, items: list[FromItem], known: Mapping[Place, Condition]) -> None:
        for number, item in enumerate(items):
            if item.table and (of_item := conditions_of_item(number, item, known)):
                put(item, self.part_of(self.name_of(item.table), of_item))

    def _known_of_partitions(
        self, query: Node, items: list[FromItem], conditions: Conditions, width: int
    ) -> dict[Place, Condition]:
        """Conditions on the rows of all partitions that may contain a wanted row."""
        result = [query["select_list"], query.get("qualify"), query.get("modifiers")]
        windows = [part for part in parts(result) if is_expression(part, "WINDOW")]
        if not windows or self._witnesses.is_aggregated(query) or any(item.nulled for item in items):
            return {}
        partitions = [
            {
                place
                for each in part.get("partitions", [])
                if (place := place_of(each, items, query)) is not None
            }
            for part in windows
        ]
        shared = sorted(set.intersection(*partitions))
        known = self._known(query, items, conditions, width, over_windows=True)
        if not shared or not known:
            return {}
        around = copied(query["from_table"])
        self._put_parts(from_items(around, self.catalog), known)
        where = query.get("where_clause")
        plain = [each for each in conjuncts(where) if not subqueries(each)] if where else []
        values = ", ".join(
            f"{quote(items[number].alias)}.{quote(name)} AS v{n}" for n, (number, name) in enumerate(shared)
        )
        table = self.request(f"SELECT DISTINCT {values} FROM {self.syntax.relation_text(around)}", plain)
        return {place: Condition.one_of(table, f"v{n}") for n, place in enumerate(shared)}

    def request(self, select: str, plain: list[Node]) -> str:
        """Add a small table of requested values."""
        conditions = " AND ".join(f"({self.syntax.expression_text(part)})" for part in plain) or "true"
        text = f"{select} WHERE {conditions}"
        if text not in self._requested:
            self._requested[text] = f"__requested{len(self._requested)}"
            self._steps.add(self._requested[text], text, stored=True)
        return self._requested[text]

    def _push_into_sides(self, query: Node, conditions: Conditions) -> None:
        if any(each["type"] in LIMITS for each in query.get("modifiers", [])):
            return
        definition = next(
            (each for each in self.statement.definitions.values() if _same_sides(each.query, query)), None
        )
        if definition is None:
            return
        names = [column.name.casefold() for column in definition.columns]
        types = [column.type for column in definition.columns]
        for side in children(query):
            items = from_items(side["from_table"], self.catalog)
            of_side = self.side_conditions(query, items[0].table, conditions, names, types)
            if of_side:
                part = self.part_of(items[0].table, of_side)
                put(items[0], part)
                items[0].node["alias"] = part  # by the name of the side it would be taken to read all of it

    def put_part(self, item: FromItem, conditions: Conditions) -> None:
        """Restrict a relation to rows that satisfy conditions, in place."""
        put(item, self.part_of(self.name_of(item.table), conditions))

    def put_parts_of_others(
        self, query: Node, items: list[FromItem], number: int, known: Mapping[str, Condition]
    ) -> None:
        """Restrict the other relations to rows that can join with those of one, given conditions on its columns."""
        spread = {(number, name): condition for name, condition in known.items()}
        self._spread(spread, query, items)
        others = {place: condition for place, condition in spread.items() if place[0] != number}
        self._put_parts(items, others)

    def put_parts_by(self, query: Node, items: list[FromItem], known: Mapping[Place, Condition]) -> None:
        """Restrict relations to rows that can be part of rows with known conditions, in place."""
        spread = dict(known)
        self._spread(spread, query, items)
        self._put_parts(items, spread)

    def of_partition(self, partition: Partition, name: str) -> Node:
        """The query of a partition over parts of its relations, by the keys found by a step."""
        query = copied(partition.query)
        if partition.grouped:
            return query
        items = from_items(query["from_table"], self.catalog)
        if not self.is_open(query, items):
            return query
        known: dict[Place, Condition] = {}
        for key, column in zip(partition.keys, partition.names, strict=True):
            if (place := place_of(key, items, query)) is not None:
                known[place] = Condition.one_of(quote(name), column)
        self.put_parts_by(query, items, known)
        return query

    def push_into_subqueries(self, query: Node) -> None:
        """Restrict the subqueries of IN and NOT IN to values that the remaining rows can request."""
        where = query.get("where_clause")
        conditions = conjuncts(where) if where is not None else []
        plain = [each for each in conditions if not subqueries(each)]
        for each in conditions:
            negated = each.get("type") == "OPERATOR_NOT"
            subquery = each["children"][0] if negated else each
            if is_expression(subquery, "SUBQUERY") and subquery["subquery_type"] in ("ANY", "NOT_ANY"):
                self._push_into_subquery(query, subquery, plain, is_filter=not negated)
            elif not any(is_expression(part, "LAMBDA") for part in parts(each)):
                for below in subqueries(each):
                    if below["subquery_type"] == "ANY":
                        self._push_into_subquery(query, below, plain, is_filter=False)
        if self._witnesses.is_aggregated(query):
            return
        items = from_items(query["from_table"], self.catalog)
        for subquery in subqueries(query["select_list"]):
            inside = [*parts(subquery["child"])] if subquery["subquery_type"] == "ANY" else []
            columns = [each for each in inside if is_expression(each, "COLUMN_REF")]
            own = all(place_of({**each, "alias": ""}, items, query) is not None for each in columns)
            strange = any(is_expression(each, "WINDOW") or is_expression(each, "LAMBDA") for each in inside)
            if columns and own and not strange:
                self._push_into_subquery(query, subquery, plain, is_filter=False)

    def _push_into_subquery(self, query: Node, subquery: Node, plain: list[Node], *, is_filter: bool) -> None:
        """Restrict the result of one IN subquery to requested values, in place.

        Args:
            query: the query that contains it, over the remaining rows of its relations.
            subquery: the IN expression.
            plain: conditions without subqueries on the query's rows.
            is_filter: whether only rows for which it is true stay.
        """
        inner = subquery["subquery"]["node"]
        if (
            subquery["comparison_type"] != "COMPARE_EQUAL"
            or not _is_whole(inner)
            or subqueries(subquery["child"])
            or (not is_filter and self._witnesses.has_rows_without_input(inner))
            or (not is_filter and self._witnesses.answers_aggregates(inner))  # all of these are witnesses
        ):
            return
        table = inner["from_table"]["table_name"].casefold()
        if table not in self.statement.definitions or len(self.catalog.columns[table]) != 1:
            return
        value = self.syntax.expression_text({**subquery["child"], "alias": ""})
        relation = self.syntax.relation_text(query["from_table"])
        name = self.request(f"SELECT DISTINCT {value} AS v FROM {relation}", plain)
        condition = Condition.equal_to_one_of(name, "v")
        if not is_filter or self.is_computed(table):  # equal conditions share one part
            condition = Condition.of_answers(name, "v")
        made = self.part_of(table, {0: condition})
        inner["from_table"] = self.syntax.relation(
            f"{quote(made)} AS {quote(inner['from_table'].get('alias') or made)}"
        )


def put(item: FromItem, table: str) -> None:
    """Make a relation read another table with the same columns, under the same names."""
    item.node["alias"] = item.alias
    item.node["table_name"] = table
    if "qualified_name" in item.node:
        item.node["qualified_name"] = {**item.node["qualified_name"], "path": [table]}
    item.table = table.casefold()


def _is_whole(query: Node) -> bool:
    """Whether a query returns a definition's rows unchanged."""
    if (
        query["type"] != "SELECT_NODE"
        or query["from_table"]["type"] != "BASE_TABLE"
        or query.get("where_clause")
    ):
        return False
    stars = query["select_list"]
    return len(stars) == 1 and is_expression(stars[0], "STAR") and not query.get("modifiers")


def _same_sides(one: Node, other: Node) -> bool:
    if one["type"] != "SET_OPERATION_NODE" or one["setop_type"] != other["setop_type"]:
        return False
    names = [
        [
            side["from_table"].get("table_name") if is_query(side) and "from_table" in side else None
            for side in children(each)
        ]
        for each in (one, other)
    ]
    return names[0] == names[1] and None not in names[0]
