"""Steps: named queries, each over tables and the steps before it, which together answer a question about rows."""

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
        of: steps of which one must have rows, that it gives some; empty where there are no such steps.
    """

    text: str
    of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Whole:
    """Another way to the rows of a step, which costs less where nearly all rows of a definition are asked for.

    Attributes:
        text: its SQL, over the definition.
        definition: its name; what it gives is worth keeping for others.
        asked: steps with the values that the rows are asked for by.
        tables: that it is made of.
    """

    text: str
    definition: str
    asked: tuple[str, ...]
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Within:
    """Specification of a part of a table or definition, so that it can be read from a larger part that was found.

    Attributes:
        table: that it is a part of.
        asked: for columns, by position, the table and the column whose values they have, and whether NULL is none.
        only: whether it is no more than that.
        text: its SQL over the larger part, with `\0` where that stands.
    """

    table: str
    asked: tuple[tuple[int, str, str, bool], ...]
    only: bool
    text: str


@dataclass(frozen=True)
class All:
    """All rows of a definition, which a step of marked rows is where what they are made of is wholly marked.

    Attributes:
        text: the SQL of all rows.
        single: whether they are one at most, so that the step is all of them where it has one.
        of: steps of marked rows: where each of one entry is all rows of its definition, so is the step.
        asked: such steps of one row: where one has it, and it is all of its definition, so is the step.
    """

    text: str
    single: bool
    of: tuple[tuple[str, ...], ...]
    asked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Marking:
    """Another way to a step of marked rows: all rows of a definition are made once, each with whether it is marked.

    It costs less where so many rows are marked below that looking for groups and partitions of theirs finds most of
    them. And who reads the definition reads the same rows, to the last digit.

    Attributes:
        marked: steps of marked rows below.
        asked: steps of the keys of groups or partitions that hold some.
        text: gives the SQL of all rows with a last column that says whether each is marked.
        definition: the definition's name.
        columns: the names of its columns.
        always: whether there is to be no other way.
    """

    marked: tuple[str, ...]
    asked: tuple[str, ...]
    text: Callable[[], str]
    definition: str
    columns: tuple[str, ...]
    always: bool = False


@dataclass(frozen=True)
class Step:
    """A named query.

    Attributes:
        name: unique among all steps and tables.
        columns: names of its columns; empty where the query gives them.
        parts: the queries whose union, without copies, it is; or one query as it is.
        stored: whether its rows are kept, and not found again by each step that reads them.
        types: DuckDB types of its columns, as far as a step without rows needs them.
        whole: another way to its rows.
        keys: for a recursive query with USING KEY, that clause.
        all: what it is where all rows of a definition are marked.
        marking: another way to its rows, where many are marked.
        within: what it is a part of, where it can be read from a larger part.
        few: at which need its rows are kept if they are few, where they are found by values that mostly few rows have;
            0 where they are not.
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
        types: Sequence[str] = (),
        whole: Whole | None = None,
        all_rows: All | None = None,
        marking: Marking | None = None,
        within: Within | None = None,
        few: int = 0,
    ) -> None:
        """Adds a step behind all others."""
        given = (Part(parts, (of,) if of else ()),) if isinstance(parts, str) else tuple(parts)
        made = Step(
            name,
            tuple(columns),
            given,
            stored,
            tuple(types),
            whole,
            all=all_rows,
            marking=marking,
            within=within,
            few=few,
        )
        self._steps.append(made)

    def with_query(self, query: str) -> str:
        """A query over the steps as one statement."""
        written = ",\n".join(
            f"{step.head} AS {'MATERIALIZED ' if step.stored else ''}({step.text})" for step in self._steps
        )
        return f"WITH RECURSIVE {written}\n{query}" if written else query


def numbered(width: int, letter: str = "c") -> tuple[str, ...]:
    """Names for so many columns."""
    return tuple(f"{letter}{n}" for n in range(width))


def _written(definition: Definition, statement: Statement) -> Step:
    """A definition as the statement's WITH names it; what its author wants stored is."""
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
        # beside a recursive query DuckDB takes a union for one too, and then no ORDER BY or LIMIT behind it
        ends = query["type"] == "SET_OPERATION_NODE" and query.get("modifiers")
        return f"SELECT * FROM ({text}) AS __all" if ends else text
    union = "UNION ALL" if query["union_all"] else "UNION"
    return f"{syntax.text(query['left'])} {union} {syntax.text(query['right'])}"
