"""Steps: named queries, each over tables and previous steps, which together find rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import Definition
from recsys_lineage.rows.statement.syntax import Syntax
from recsys_lineage.sql.names import quote


@dataclass(frozen=True)
class Part:
    """One of the queries whose union a step is.

    Attributes:
        text: its SQL.
        of: steps of which one must have rows for the part to have any; empty where there are none.
        inputs: lists of steps that it reads, folded, of each of which one must have rows too.
    """

    text: str
    of: tuple[str, ...] = ()
    inputs: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Whole:
    """An alternative query for a step, cheaper if nearly all rows of a definition are requested.

    Attributes:
        text: its SQL, over the definition.
        definition: the definition's name; its rows are stored for reuse.
        requested: the steps with the requested values.
        tables: the tables that it reads.
    """

    text: str
    definition: str
    requested: tuple[str, ...]
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Within:
    """Specification of a part of a table or definition, so that it can be read from a larger part that was found.

    Attributes:
        table: the whole table or definition.
        requested: column position → the table and column with the requested values, and whether NULL is excluded.
        only: whether the part is exactly those rows.
        text: its SQL over the larger part, with `\0` in place of its name.
        answers: whether the part answers IN: it has the rows with NULL too, and all if NULL is requested.
    """

    table: str
    requested: tuple[tuple[int, str, str, bool], ...]
    only: bool
    text: str
    answers: bool = False


@dataclass(frozen=True)
class Fixed:
    """Specification of a part by conditions on values that are the same in every step.

    Attributes:
        table: the whole table or definition.
        conditions: the conditions, with their columns' positions: the part is exactly the rows that satisfy them.
        text: its SQL over a part that satisfies some of them, with `\0` in place of its name.
    """

    table: str
    conditions: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class All:
    """All rows of a definition, which a step of marked rows equals if its inputs are wholly marked.

    Attributes:
        text: the SQL of all rows.
        single: whether there is at most one, so that a step with one row has them all.
        of: lists of steps of marked rows: if each step in a list is wholly marked, so is this one.
        requested: such steps of one row: if one of them has its row, this step is wholly marked.
    """

    text: str
    single: bool
    of: tuple[tuple[str, ...], ...]
    requested: tuple[str, ...] = ()


@dataclass(frozen=True)
class Marking:
    """An alternative query for a step of marked rows: all rows of a definition are computed once, each with its mark.

    It is cheaper if so many input rows are marked that their groups and partitions are most of all. Readers of the
    definition also get the same rows, to the last digit.

    Attributes:
        marked: the steps of marked input rows.
        requested: the steps with the keys of groups or partitions that have some.
        text: returns the SQL of all rows with the mark as the last column.
        definition: the definition's name.
        columns: the names of its columns.
        always: whether to use it in any case.
    """

    marked: tuple[str, ...]
    requested: tuple[str, ...]
    text: Callable[[], str]
    definition: str
    columns: tuple[str, ...]
    always: bool = False


@dataclass(frozen=True)
class Step:
    """A named query.

    Attributes:
        name: its name, unique among all steps and tables.
        columns: the names of its columns; empty where they are those of the query.
        parts: the queries whose distinct union it is; or a single query.
        stored: whether its rows are stored, rather than computed again by each reading step.
        types: the DuckDB types of its columns, if a step without rows needs them.
        whole: an alternative query for its rows.
        keys: for a recursive query with USING KEY, that clause.
        all: its rows if all rows of a definition are marked.
        marking: an alternative query for its rows if many are marked.
        within: its specification as a part, if it can be read from a larger part.
        few: the use at which its rows are stored if they are few, as those with given values mostly are; 0 for never.
        fixed: its specification as a part, if it can be read from one with fewer conditions.
    """

    name: str
    columns: tuple[str, ...]
    parts: tuple[Part, ...]
    stored: bool
    types: tuple[str, ...] = ()
    whole: Whole | None = None
    keys: str = ""
    all: All | None = None
    marking: Marking | None = None
    within: Within | None = None
    few: int = 0
    fixed: Fixed | None = None

    @property
    def text(self) -> str:
        """The SQL of its rows."""
        return " UNION ".join(part.text for part in self.parts)

    @property
    def head(self) -> str:
        """Its name with the names of its columns and its keys."""
        columns = f"({', '.join(quote(name) for name in self.columns)})" if self.columns else ""
        return f"{quote(self.name)}{columns}{self.keys}"


class Steps:
    """Steps in dependency order, a statement's own definitions first."""

    def __init__(self, statement: Statement) -> None:
        self._steps = [_written(each, statement) for each in statement.definitions.values()]
        self._steps = [step for step in self._steps if step.name != statement.main.name]

    def __iter__(self) -> Iterator[Step]:
        return iter(self._steps)

    def add(
        self,
        name: str,
        parts: str | Sequence[Part],
        columns: Sequence[str] = (),
        *,
        stored: bool,
        of: str = "",
        inputs: Sequence[tuple[str, ...]] = (),
        types: Sequence[str] = (),
        whole: Whole | None = None,
        all_rows: All | None = None,
        marking: Marking | None = None,
        within: Within | None = None,
        few: int = 0,
        fixed: Fixed | None = None,
    ) -> None:
        """Add a step after all others."""
        one = isinstance(parts, str)
        queries = (Part(parts, (of,) if of else (), tuple(inputs)),) if one else tuple(parts)
        made = Step(
            name,
            tuple(columns),
            queries,
            stored,
            tuple(types),
            whole,
            all=all_rows,
            marking=marking,
            within=within,
            few=few,
            fixed=fixed,
        )
        self._steps.append(made)

    def with_query(self, query: str) -> str:
        """A query over the steps as one statement."""
        written = ",\n".join(
            f"{step.head} AS {'MATERIALIZED ' if step.stored else ''}({step.text})" for step in self._steps
        )
        return f"WITH RECURSIVE {written}\n{query}" if written else query


def numbered(width: int, letter: str = "c") -> tuple[str, ...]:
    """Numbered names for a number of columns."""
    return tuple(f"{letter}{n}" for n in range(width))


def _written(definition: Definition, statement: Statement) -> Step:
    """A definition as an entry of the statement's WITH, stored if its author wants that."""
    stored = definition.materialized == "CTE_MATERIALIZE_ALWAYS" and not definition.keys
    text = definition_text(definition, statement.catalog.syntax)
    keys = ", ".join(statement.catalog.syntax.expression_text(key) for key in definition.keys)
    using = f" USING KEY ({keys})" if keys else ""
    return Step(definition.name, tuple(definition.aliases), (Part(text),), stored, keys=using)


def definition_text(definition: Definition, syntax: Syntax) -> str:
    """The SQL of a definition's query."""
    query = definition.query
    if not definition.recursive:
        text = syntax.text(query)
        # next to a recursive query DuckDB takes a union for one too, and then no ORDER BY or LIMIT behind it
        ends = query["type"] == "SET_OPERATION_NODE" and query.get("modifiers")
        return f"SELECT * FROM ({text}) AS __all" if ends else text
    union = "UNION ALL" if query["union_all"] else "UNION"
    return f"{syntax.text(query['left'])} {union} {syntax.text(query['right'])}"
