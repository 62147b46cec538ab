"""Wanted groups: the groups of a definition that can matter to the rows of a stored result.

A top-k list of each partition needs only those groups of a costly join that are in the list, and these are in the
stored result. Their keys are pushed down to the groups like values in magic sets (Bancilhon et al., PODS 1986), several
columns together.

Rows left out rank after the k best of their partition, so neither the ranks of these nor their origins change: a row's
rank depends on the rows before it and on its peers, and these are kept too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recsys_lineage.rows.statement.columns.column_places import Place, equal_places, place_of
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import Definition
from recsys_lineage.rows.statement.from_item import FromItem, from_items
from recsys_lineage.rows.statement.steps import Steps
from recsys_lineage.rows.statement.syntax import (
    Node,
    children,
    copied,
    everything,
    is_expression,
    parts,
    subqueries,
    without_places,
)
from recsys_lineage.rows.witnesses.narrowing.costly_definitions import windows_of
from recsys_lineage.rows.witnesses.narrowing.pushdown import Pushdown
from recsys_lineage.rows.witnesses.witness import Witnesses
from recsys_lineage.sql.names import quote

_EXACT = ("VARCHAR", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DATE")
"""Types whose stored values equal the computed ones."""
_OTHERS_EACH_TIME = (
    "random", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "now", "today", "transaction_timestamp", "nextval",
    "current_timestamp", "current_date", "current_time", "get_current_time", "get_current_timestamp",
    "current_localtime", "current_localtimestamp", "txid_current",
)  # fmt: skip
_PLACES = ("WINDOW_ROW_NUMBER", "WINDOW_RANK", "WINDOW_RANK_DENSE")


@dataclass(frozen=True)
class Keys:
    """Key values of a definition: a row without any of them is part of no row of the result.

    Attributes:
        relation: the SQL of a relation with them.
        columns: position of the definition's column → name of the relation's column.
        complete: whether each row of the definition has one of them.
        of_best: whether they are keys of the best rows of partitions.
    """

    relation: str
    columns: Mapping[int, str]
    complete: bool
    of_best: bool


class Wanted:
    """The groups of a statement's definitions from which rows of its stored result can be made.

    Args:
        statement: the decomposed statement.
        witnesses: the statement's witnesses.
        pushdown: the statement's pushdown.
        steps: the steps to which the lookups of groups are added.
        stored: the name of a table with all rows of the statement's result; empty where there is none.
    """

    def __init__(
        self, statement: Statement, witnesses: Witnesses, pushdown: Pushdown, steps: Steps, stored: str
    ) -> None:
        self._statement, self._witnesses, self._pushdown, self._steps = statement, witnesses, pushdown, steps
        self._syntax, self._stored = statement.catalog.syntax, stored
        self._known: dict[str, list[Keys]] = {}
        self._added = 0

    def cut(self, definition: Definition) -> Node | None:
        """A definition's query over only the groups of a join that can matter to the stored result.

        None if that is unknown, or no fewer than all.
        """
        query = definition.query
        if definition.recursive or query["type"] != "SELECT_NODE" or not self._witnesses.is_aggregated(query):
            return None
        items = from_items(query["from_table"], self._statement.catalog)
        if sum(item.hidden is None for item in items) < 2 or self._has_others_each_time():
            return None
        keys = self._of(definition)
        grouped = self._grouped(query, items, len(definition.columns))
        shared = sorted(set(grouped).intersection(*(each.columns for each in keys)) if keys else ())
        if not shared or not any(each.of_best for each in keys):
            return None
        names = [f"k{n}" for n in shared]
        selects = [
            "SELECT DISTINCT "
            + ", ".join(f"__w.{each.columns[n]} AS {name}" for n, name in zip(shared, names, strict=True))
            + f" FROM {each.relation} AS __w"
            for each in keys
        ]
        wanted = self._add(" UNION ".join(dict.fromkeys(selects)))
        same = " AND ".join(
            f"{self._syntax.expression_text({**query['select_list'][n], 'alias': ''})} IS NOT DISTINCT FROM "
            f"{wanted}.{name}"
            for n, name in zip(shared, names, strict=True)
        )
        made = copied(query)
        whole = self._syntax.relation_text(made["from_table"])
        made["from_table"] = self._syntax.relation(f"{whole} SEMI JOIN {wanted} AS {wanted} ON {same}")
        return made

    def _has_others_each_time(self) -> bool:
        return any(
            part.get("function_name", "").lower() in _OTHERS_EACH_TIME
            for each in self._statement.definitions.values()
            for part in everything(each.query)
        )

    def _add(self, text: str) -> str:
        name = f"__wanted{self._added}"
        self._added += 1
        self._steps.add(name, text, stored=True)
        return name

    def _of(self, definition: Definition) -> list[Keys]:
        """Keys of a definition's relevant rows, over all places where it is read; none if unknown."""
        name = definition.name.casefold()
        if name not in self._known:
            self._known[name] = []  # what reads itself is not told
            self._known[name] = self._found(definition)
        return self._known[name]

    def _found(self, definition: Definition) -> list[Keys]:
        statement, name = self._statement, definition.name.casefold()
        if definition is statement.main:
            names = [column.name.casefold() for column in definition.columns]
            if not self._stored or len({*names}) < len(names):
                return []
            exact = {n: quote(c.name) for n, c in enumerate(definition.columns) if c.type.upper() in _EXACT}
            return [Keys(quote(self._stored), exact, complete=True, of_best=False)] if exact else []
        found: list[Keys] = []
        for reader in statement.definitions.values():
            if name not in reader.reads:
                continue
            here = [] if reader.recursive or reader.whole else self._through(reader, definition)
            if len(here) < reader.reads.count(name) * max(len(self._of(reader)), 1):
                return []
            found += here
        return [] if any(not each.columns for each in found) else found

    def _through(self, reader: Definition, definition: Definition) -> list[Keys]:
        """Keys of a definition for each place in FROM where it is read, given all keys of its reader."""
        query, name = reader.query, definition.name.casefold()
        above = self._of(reader)
        if query["type"] == "SET_OPERATION_NODE":
            if query["setop_type"] != "UNION" or query.get("modifiers"):
                return []
            sides = [side["from_table"].get("table_name", "").casefold() for side in children(query)]
            same = {
                n
                for n, (one, other) in enumerate(zip(reader.columns, definition.columns, strict=True))
                if one.type == other.type
            }
            return [
                Keys(each.relation, _only(each.columns, same), each.complete, each.of_best)
                for side in sides
                if side == name
                for each in above
            ]
        if query["type"] != "SELECT_NODE" or query["from_table"]["type"] not in ("JOIN", "BASE_TABLE"):
            return []
        items = from_items(query["from_table"], self._statement.catalog)
        if any(item.nearest is not None or not item.table for item in items):
            return []
        if not self._pushdown.is_open(query, items):
            return []
        return [
            self._of_item(reader, items, number, each)
            for number, item in enumerate(items)
            if item.table == name and item.hidden is None and not item.nulled
            for each in above
        ]

    def _of_item(self, reader: Definition, items: list[FromItem], number: int, above: Keys) -> Keys:
        """The keys of the rows of one relation of a query, given those of the query's rows."""
        query = reader.query
        allowed: set[Place] | None = None
        aggregated, windows = self._witnesses.is_aggregated(query), windows_of(query)
        nothing = Keys(above.relation, {}, complete=False, of_best=False)
        if aggregated and windows:
            return nothing
        if windows:
            allowed = _places_of_best(query, windows, items) if above.complete else None
            if allowed is None:
                return nothing
        places = self._pushdown.places(query, items, len(reader.columns))
        if aggregated:
            grouped = self._grouped(query, items, len(reader.columns))
            places = {n: place for n, place in places.items() if n in grouped}
        places = {n: place for n, place in places.items() if n in above.columns}
        equal: dict[str, list[Place]] = {}
        for one, other in equal_places(query, items):
            sure = not items[other[0]].nulled and items[other[0]].hidden is None
            if one[0] == number != other[0] and sure and self._pushdown.same_type(one, other, items):
                equal.setdefault(one[1], []).append(other)
        names = [name.casefold() for name in items[number].columns or ()]
        found: dict[int, str] = {}
        around: dict[int, None] = {}
        for column, name in enumerate(names):
            ways = [(number, name), *equal.get(name, [])]
            if allowed is not None and not allowed.intersection(ways):
                continue
            direct = [n for n, place in places.items() if place in ways]
            if direct:
                found[column] = f"__w.{above.columns[direct[0]]}"
                continue
            for other in ways[1:]:
                if self._can_look_up(other[0], items, places, items[number].table):
                    around[other[0]] = None
                    found[column] = f"__i{other[0]}.{quote(other[1])}"
                    break
        return self._looked_up(reader, above, items, places, (found, list(around)), bool(windows))

    def _can_look_up(
        self, other: int, items: list[FromItem], places: Mapping[int, Place], table: str
    ) -> bool:
        """Whether rows of a relation can be found by the keys, independently of the relation in question."""
        item = items[other]
        definition = self._statement.definitions.get(item.table)
        depends = definition is not None and definition.depends_on(table, self._statement.definitions)
        is_placed = any(place[0] == other for place in places.values())
        return is_placed and not item.nulled and item.hidden is None and not depends and item.table != table

    def _looked_up(
        self,
        reader: Definition,
        above: Keys,
        items: list[FromItem],
        places: Mapping[int, Place],
        found: tuple[Mapping[int, str], list[int]],
        is_best: bool,
    ) -> Keys:
        """Keys as a relation: the given one, or a step that joins it with the relations that have the keys."""
        columns, around = found
        query = reader.query
        complete = above.complete and len(items) == 1 and _gives_all(query)
        fixed = [
            f"__w.{name} IS NOT DISTINCT FROM {self._syntax.expression_text({**value, 'alias': ''})}"
            for n, name in above.columns.items()
            if n < len(query["select_list"]) == len(reader.columns)
            and is_expression(value := query["select_list"][n], "CONSTANT")
            and not any(is_expression(each, "STAR") for each in query["select_list"])
        ]
        if not columns:
            return Keys(above.relation, {}, complete=False, of_best=False)
        of_best = above.of_best or is_best
        if not around and not fixed:
            plain = {n: text.removeprefix("__w.") for n, text in columns.items()}
            return Keys(above.relation, plain, complete, of_best)
        joins = "".join(
            f" JOIN {quote(self._pushdown.part_of(items[other].table, {}))} AS __i{other}("
            f"{', '.join(quote(name) for name in items[other].columns or ())}) ON "
            + " AND ".join(
                f"__i{other}.{quote(place[1])} IS NOT DISTINCT FROM __w.{above.columns[n]}"
                for n, place in places.items()
                if place[0] == other
            )
            for other in around
        )
        values = ", ".join(f"{text} AS k{n}" for n, text in columns.items())
        where = f" WHERE {' AND '.join(fixed)}" if fixed else ""
        step = self._add(f"SELECT DISTINCT {values} FROM {above.relation} AS __w{joins}{where}")
        return Keys(step, {n: f"k{n}" for n in columns}, complete, of_best)

    def _grouped(self, query: Node, items: list[FromItem], width: int) -> set[int]:
        """The output columns of a grouping query that are unchanged grouping columns."""
        if len(query.get("group_sets", [])) > 1 or query.get("aggregate_handling") == "FORCE_AGGREGATES":
            return set()
        keys = {place_of(key, items, query) for key in query.get("group_expressions", [])} - {None}
        places = self._pushdown.places(query, items, width)
        stars = any(is_expression(each, "STAR") for each in query["select_list"])
        if stars or len(query["select_list"]) != width:
            return set()
        return {n for n, place in places.items() if place in keys and not items[place[0]].nulled}


def _only(columns: Mapping[int, str], places: set[int]) -> dict[int, str]:
    return {n: name for n, name in columns.items() if n in places}


def _gives_all(query: Node) -> bool:
    """Whether each row below a query of one relation gives one output row."""
    unnested = any(part.get("function_name", "").lower() == "unnest" for part in parts(query["select_list"]))
    grouped = query.get("group_expressions") or query.get("having") or query.get("qualify")
    return not (query.get("where_clause") or grouped or unnested or subqueries(query["select_list"]))


def _places_of_best(query: Node, windows: list[Node], items: list[FromItem]) -> set[Place] | None:
    """Positions of the partition columns, if a query keeps the best rows of each partition by one order.

    Rows that are equal in them have the same partition and order, so either all of them are kept or none.
    """
    kept = query.get("qualify")
    if kept is None or not is_expression(kept, "COMPARISON"):
        return None
    if kept["type"] not in ("COMPARE_LESSTHANOREQUALTO", "COMPARE_LESSTHAN"):
        return None
    first = kept["left"]
    if not is_expression(first, "WINDOW") or kept["right"].get("class") not in ("CONSTANT", "PARAMETER"):
        return None
    for each in windows:
        same = all(
            without_places(each.get(of)) == without_places(first[of]) for of in ("partitions", "orders")
        )
        strange = each.get("filter_expr") or each.get("arg_orders")
        if each["type"] not in _PLACES or not same or strange or each.get("exclude_clause") != "NO_OTHER":
            return None
    by = [*first["partitions"], *(order["expression"] for order in first["orders"])]
    if not first["orders"]:
        return None
    return {place for each in by if (place := place_of(each, items, query)) is not None}
