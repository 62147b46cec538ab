"""Knowledge: the conditions on the columns of a query's relations implied by those on its own columns."""

from __future__ import annotations

from collections.abc import Mapping

from recsys_lineage.rows.statement.columns.column_places import Place, equal_places, place_of, selected_places
from recsys_lineage.rows.statement.condition import Condition, Conditions
from recsys_lineage.rows.statement.from_item import FromItem, from_items
from recsys_lineage.rows.statement.syntax import Node, arguments, is_expression, parts
from recsys_lineage.rows.witnesses.witness import Witnesses

LIMITS = ("LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER")
"""Modifiers in a parsed query that limit its number of rows."""


class Knowledge:
    """Conditions on the rows of relations behind the wanted rows of one statement.

    Args:
        witnesses: the statement's witnesses.
    """

    def __init__(self, witnesses: Witnesses) -> None:
        self.statement = witnesses.statement
        self.catalog = witnesses.statement.catalog
        self.syntax = witnesses.syntax
        self._witnesses = witnesses

    def is_open(self, query: Node, items: list[FromItem]) -> bool:
        """Whether irrelevant rows of a query's relations can be left out."""
        known = all(item.columns is not None or item.node["type"] == "TABLE_FUNCTION" for item in items)
        return known and not self._is_cut(query)

    def side_conditions(
        self, query: Node, side: str, conditions: Conditions, names: list[str], types: list[str]
    ) -> Conditions:
        """Conditions on the rows of one side of a set operation."""
        columns = self.catalog.columns[side]
        if query["setop_type"] == "UNION_BY_NAME":
            taken = [names.index(column.name.casefold()) for column in columns]
        else:
            taken = list(range(len(columns)))
        return {
            n: conditions[place]
            for n, (column, place) in enumerate(zip(columns, taken, strict=True))
            if place in conditions and column.type == types[place]
        }

    def known_of_items(self, query: Node, conditions: Conditions, width: int) -> dict[int, Conditions]:
        """Conditions on the rows behind the wanted rows, by relation of a query, in order."""
        if query["type"] != "SELECT_NODE" or not conditions:
            return {}
        items = from_items(query["from_table"], self.catalog)
        if not self.is_open(query, items):
            return {}
        known = self._known(query, items, conditions, width)
        return {number: conditions_of_item(number, item, known) for number, item in enumerate(items)}

    def places(self, query: Node, items: list[FromItem], width: int) -> dict[int, Place]:
        """Columns of FROM that output columns are unchanged."""
        return {
            n: place
            for n, each in enumerate(selected_places(query, items, width))
            if (place := each) is not None
        }

    def equal_to_item(
        self, query: Node, items: list[FromItem], number: int, places: Mapping[int, Place]
    ) -> dict[int, str]:
        """Columns of one relation that output columns equal wherever its row exists."""
        equal: dict[Place, str] = {}
        for one, other in equal_places(query, items, there=True):
            if one[0] == number and self.same_type(one, other, items):
                equal.setdefault(other, one[1])
        return {n: equal[place] for n, place in places.items() if place in equal}

    def is_computed(self, table: str) -> bool:
        """Whether the one column of a definition is no column of a table, so that all rows are read to find a value."""
        place = 0
        while (definition := self.statement.definitions.get(table)) is not None:
            if definition.query["type"] != "SELECT_NODE":
                return True
            items = from_items(definition.query["from_table"], self.catalog)
            found = self.places(definition.query, items, len(definition.columns)).get(place)
            if found is None:
                return True
            names = [name.casefold() for name in items[found[0]].columns or ()]
            table, place = items[found[0]].table, names.index(found[1])
        return False

    def _known(
        self,
        query: Node,
        items: list[FromItem],
        conditions: Conditions,
        width: int,
        over_windows: bool = False,
    ) -> dict[Place, Condition]:
        """Conditions on columns of FROM that are true for all rows behind the wanted rows.

        Args:
            query, items, conditions, width: the query, its relations, the conditions on its columns, their number.
            over_windows: ignore windows, so that the conditions are only on the wanted rows' own rows.
        """
        selected = selected_places(query, items, width)
        if not selected:
            return {}
        known: dict[Place, Condition] = {}
        several = len(query.get("group_sets", [])) > 1
        result = [query["select_list"], query.get("qualify"), query.get("modifiers")]
        partitions = [
            {
                place
                for each in part.get("partitions", [])
                if (place := place_of(each, items, query)) is not None
            }
            for part in parts(result)
            if is_expression(part, "WINDOW") and not over_windows
        ]
        grouped = None
        if self._witnesses.is_aggregated(query):
            keys = query.get("group_expressions", [])
            grouped = {place for each in keys if (place := place_of(each, items, query)) is not None}
            grouped |= {
                place
                for n, place in enumerate(selected)
                if place is not None
                and (query.get("aggregate_handling") == "FORCE_AGGREGATES" or self._is_key(n, query))
            }
        for n, condition in conditions.items():
            place = selected[n]
            if place is None or (several and not condition.refuses_null):
                if (
                    place is None
                    and condition.requested
                    and not several
                    and grouped is None
                    and not partitions
                ):
                    known |= self._known_inside(query, n, condition, items)
                continue
            if all(place in each for each in partitions) and (grouped is None or place in grouped):
                known.setdefault(place, condition)
        self._spread(known, query, items)
        return known

    def _known_inside(
        self, query: Node, position: int, condition: Condition, items: list[FromItem]
    ) -> dict[Place, Condition]:
        """Conditions on columns implied by a condition on a STRUCT of them."""
        select = query["select_list"]
        if any(is_expression(each, "STAR") for each in select[:position]) or condition.requested is None:
            return {}
        made = select[position] if position < len(select) else {}
        if not is_expression(made, "FUNCTION") or made["function_name"] != "struct_pack":
            return {}
        table, column = condition.requested
        found: dict[Place, Condition] = {}
        for n, each in enumerate(arguments(made)):
            place = place_of({**each, "alias": ""}, items, query)
            if place is not None and not items[place[0]].nulled:
                found[place] = Condition.one_of(table, f"struct_extract_at({column}, {n + 1})")
        return found

    def _is_key(self, position: int, query: Node) -> bool:
        """Whether an output column is named by its number or alias in GROUP BY."""
        selected = query["select_list"]
        if any(is_expression(each, "STAR") for each in selected):
            return False
        for key in query.get("group_expressions", []):
            if is_expression(key, "CONSTANT"):
                value = key["literal"].get("text") if "literal" in key else key["value"].get("value")
                if str(value) == str(position + 1):
                    return True
        return False

    def _spread(self, known: dict[Place, Condition], query: Node, items: list[FromItem]) -> None:
        """Apply the conditions on a column also to columns that equal it."""
        pairs = list(equal_places(query, items))
        changed = True
        while changed:
            changed = False
            for one, other in pairs:
                if one not in known or other in known or not self.same_type(one, other, items):
                    continue
                if (condition := known[one].of_equals) is not None:
                    known[other] = condition
                    changed = True

    def same_type(self, one: Place, other: Place, items: list[FromItem]) -> bool:
        """Whether two columns of FROM have one type."""
        return self._type(one, items) == self._type(other, items)

    def _type(self, place: Place, items: list[FromItem]) -> str:
        item = items[place[0]]
        position = [name.casefold() for name in item.columns or ()].index(place[1])
        return self.catalog.columns[item.table][position].type if item.table else f"of {place}"

    def _is_cut(self, query: Node) -> bool:
        """Whether a query's rows depend on the number of other rows."""
        positional = any(part.get("ref_type") == "POSITIONAL" for part in parts(query["from_table"]))
        return positional or any(
            each["type"] in LIMITS or each.get("distinct_on_targets") for each in query.get("modifiers", [])
        )


def conditions_of_item(number: int, item: FromItem, known: Mapping[Place, Condition]) -> Conditions:
    """Conditions on the columns of one relation."""
    return {
        position: condition
        for position, name in enumerate(item.columns or ())
        if (condition := known.get((number, name.casefold()))) is not None
        and (condition.refuses_null or not item.nulled)
        and item.may_leave_out_by(name)
    }
