"""Stepwise: steps executed one by one on a connection, each on first use.

One statement with all steps would give the same. But most rows have no input in most branches of a statement, and
DuckDB would scan these branches anyway; here an empty step is detected before the steps behind it run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import duckdb
import pyarrow as pa

from recsys_lineage.rows.canonical_texts import CanonicalTexts
from recsys_lineage.rows.statement.catalog import not_taken
from recsys_lineage.rows.statement.short_lists import ShortLists
from recsys_lineage.rows.statement.steps import All, Marking, Part, Step, Whole, Within
from recsys_lineage.rows.step_cache import Contents, FoundPart, Parts, StepCache, Values, values_text
from recsys_lineage.sql.names import quote

_MANY = 10_000
"""The number of requested values from which a definition is computed as a whole."""
_MOST_MARKED = 100_000
"""The number of marked rows from which all rows of a definition are computed once, each with its mark."""
_SMALL = 200_000
"""The most rows of a part that serves in place of the whole for computing smaller parts."""
_FEW = 20_000
"""The most rows of a part that is stored because it has few."""


class Stepwise:
    """Steps on a connection, whose results are stored there in temporary tables.

    Args:
        connection: a connection with the tables that they read.
        steps: the steps, in order.
        parameters: values of the statement's parameters.
        cache: results of other statements' steps over the same tables, to which these results are added. The
            connection must then be a cursor of the connection that has them.
        costly: folded names of steps that compute at least all of their rows whenever some are requested, as with
            groups → the use at which they are stored: the first or the second, which costs at most twice the optimum.
        stored: a table that other statements have under the same name with other rows, and an identifier of its rows.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        steps: Iterable[Step],
        parameters: Mapping[str, object],
        cache: StepCache | None = None,
        costly: Mapping[str, int] | None = None,
        stored: tuple[str, str] = ("", ""),
    ) -> None:
        self._cache, self._contents = cache, Contents(connection, cache)
        self._parts, self._stored = Parts(cache), stored
        self._connection, self._parameters = connection, parameters
        self._lists = ShortLists(connection, self._rows_found, self._contents.has_null)
        self._steps = {step.name.casefold(): step for step in steps}
        self._texts = CanonicalTexts(self._steps, self._contents, self._is_stored)
        self._order = {name: place for place, name in enumerate(self._steps)}
        self._needs: dict[str, list[str]] = {}
        self._empty: dict[str, bool] = {}
        self._costly = dict(costly or {})
        self._once = {
            step.marking.definition.casefold(): name
            for name, step in self._steps.items()
            if step.marking is not None and step.marking.always
        }
        self._all: dict[str, bool] = {}
        self._computed: set[str] = set()
        self._few: dict[str, int] = {}
        self._small: set[str] = set()
        self._fixed: dict[str, list[tuple[frozenset[str], str]]] = {}
        self._parted: dict[str, int] = {}
        self._rows_of: dict[str, int] = {}

    def rows(self, query: str) -> pa.Table:
        """Result of a query over the steps.

        Raises:
            RowTraceError: DuckDB refuses the query or one of the steps.
        """
        try:
            return self._run(query)
        except duckdb.Error as error:
            raise not_taken(error) from error

    def has_rows(self, step: str) -> bool:
        """Whether a stored step has rows; one of which nothing is wanted has none.

        Raises:
            RowTraceError: DuckDB refuses one of the steps.
        """
        try:
            return not self._is_empty(step)
        except duckdb.Error as error:
            raise not_taken(error) from error

    def forget(self) -> None:
        """Drop the temporary tables and views of the steps; what other steps may share stays."""
        for kind in ("view", "table"):
            made = self._connection.execute(f"SELECT {kind}_name FROM duckdb_{kind}s() WHERE temporary")
            for name in [name for (name,) in made.fetchall() if name.casefold() in self._steps]:
                _ = self._connection.execute(f"DROP {kind} temp.{quote(name)}")

    def _run(self, query: str) -> pa.Table:
        text = self._ready(query)
        return self._connection.sql(text, params=self._used(text)).to_arrow_table()

    def _used(self, text: str) -> dict[str, object] | None:
        return {name: value for name, value in self._parameters.items() if f"${name}" in text} or None

    def _ready(self, query: str) -> str:
        """A query prefixed by the unstored steps that it reads; stored steps are filled."""
        plain = self._unstored(query)
        for name in plain:
            if name in self._costly:
                self._costly[name] -= 1
        while due := [name for name in plain if self._costly.get(name, 1) < 1]:
            del self._costly[due[-1]]
            self._store_all(due[-1])
            plain = self._unstored(query)
        while (part := self._next_small(plain)) is not None:
            self._store_if_few(part)
            plain = self._unstored(query)
        for name in plain:
            self._few[name] = self._few.get(name, self._steps[name].few) - 1
        return self._over(plain, query)

    def _over(self, plain: Iterable[str], query: str) -> str:
        """A query behind steps that it reads and that are not stored, in order."""
        written = ",\n".join(f"{self._steps[name].head} AS ({self._steps[name].text})" for name in plain)
        return self._lists.put_into(f"WITH RECURSIVE {written}\n{query}" if written else query)

    def _next_small(self, plain: Sequence[str]) -> str | None:
        """The last of some steps that is to be stored if it has few rows."""
        few = (name for name in reversed(plain) if self._few.get(name, self._steps[name].few) == 1)
        return next(few, None)

    def _store_if_few(self, name: str) -> None:
        """Store the rows of a part, unless they are many."""
        step = self._steps[name]
        self._few[name] = 0
        if all(map(self._lacks_rows, step.parts)):
            self._make_empty(step)
            self._note_small(name)
            return
        query = self._of_fixed(step) or step.text
        text = self._over([each for each in self._unstored(query) if each != name], query)
        made = f"CREATE TEMP TABLE {step.head} AS SELECT * FROM ({text}) LIMIT {_FEW + 1}"
        number = self._connection.execute(made, self._used(text)).fetchall()[0][0]
        if number > _FEW:
            _ = self._connection.execute(f"DROP TABLE {quote(step.name)}")
        else:
            self._contents.has(step.name, number)
            self._note_small(name)

    def _note_small(self, name: str) -> None:
        step = self._steps[name]
        self._small.add(name)
        if step.fixed is not None:
            found = (frozenset(step.fixed.conditions), step.name)
            self._fixed.setdefault(step.fixed.table, []).append(found)

    def _of_fixed(self, step: Step) -> str | None:
        """The query for a part over one with some of its conditions that was found; None if there is none."""
        if step.fixed is None:
            return None
        for conditions, name in self._fixed.get(step.fixed.table, ()):
            if conditions <= {*step.fixed.conditions}:
                return step.fixed.text.replace("\0", quote(name))
        return None

    def _rows_found(self, name: str) -> int | None:
        """Number of rows of a filled step; None for what is none."""
        known = self._empty.get(name.casefold(), True)
        return None if known else self._contents.number(self._steps[name.casefold()].name)

    def _store_all(self, name: str) -> None:
        step = self._steps[name]
        self._store(step, self._ready(step.text), self._texts.of(step.text))
        self._computed.add(name)
        self._empty[name] = False

    def _unstored(self, query: str) -> list[str]:
        """The unstored steps that a query reads, in order; stored steps are filled."""
        seen: set[str] = set()
        open_ = [*self._texts.named(query)]
        while open_:
            name = open_.pop()
            if name in seen or name in self._small:
                continue
            seen.add(name)
            if name in self._once:
                self._compute_once(name)
            if self._is_stored(name):
                _ = self._is_empty(name)
            else:
                open_ += self._read(name)
        return sorted((name for name in seen if not self._is_stored(name)), key=self._order.__getitem__)

    def _store(self, step: Step, text: str, canonical: str) -> None:
        """Fill a step, or reuse the result of a step with the same text."""
        used = self._used(text)
        if self._cache is None:
            made = self._connection.execute(f"CREATE TEMP TABLE {step.head} AS {text}", used).fetchall()
            self._contents.has(step.name, made[0][0])
            return

        def fill(name: str) -> int:
            return int(self._connection.execute(f"CREATE TABLE {name} AS {text}", used).fetchall()[0][0])

        self._make_view(step, self._cache.table(self._key(canonical, text), fill))

    def _key(self, canonical: str, text: str) -> str:
        """Identity of a step's rows, given its text."""
        name, rows = self._stored
        return f"{canonical} {values_text(self._used(text) or {})}{rows if name and name in text else ''}"

    def _make_view(self, step: Step, table: str) -> None:
        """Make a step a view of a filled table, under its own column names if it has any."""
        _ = self._connection.execute(f"CREATE TEMP VIEW {step.head} AS FROM {quote(table)}")
        self._contents.note_view(step.name, table, step.columns)

    def _is_cached(self, query: str, text: str) -> bool:
        """Whether a step with the same text was filled."""
        return self._cache is not None and self._cache.has(self._key(self._texts.of(query), text))

    def _is_stored(self, name: str) -> bool:
        return self._steps[name].stored or name in self._computed

    def _is_computed(self, whole: Whole) -> bool:
        return whole.definition.casefold() in self._computed

    def _part_of_whole(self, whole: Whole) -> Part:
        self._computed.add(whole.definition.casefold())
        return Part(whole.text)

    def _costs_less(self, whole: Whole, text: str) -> bool:
        """Whether to compute all of a definition once, because its parts already read half as many rows as that would.

        Args:
            whole: the query for all of it.
            text: the SQL of one more part.
        """
        name = whole.definition.casefold()
        self._parted[name] = self._parted.get(name, 0) + self._rows_read(text)
        if self._parted[name] < _MOST_MARKED:
            return False
        for table in whole.tables:
            if table not in self._rows_of:
                self._rows_of[table] = self._contents.number(table)
        return 2 * self._parted[name] >= sum(self._rows_of[table] for table in whole.tables)

    def _rows_read(self, text: str) -> int:
        """Number of rows of stored steps that a text reads."""
        seen: set[str] = set()
        open_ = [*self._texts.named(text)]
        number = 0
        while open_:
            name = open_.pop()
            if name not in seen and name in self._empty:
                number += self._contents.number(self._steps[name].name)
            elif name not in seen:
                open_ += self._read(name)
            seen.add(name)
        return number

    def _requests_many(self, whole: Whole) -> bool:
        """Whether so much of a definition is requested that computing all of it once is cheaper than parts."""
        known = [self._steps.get(name.casefold()) for name in whole.requested]
        return all(
            step is not None and self._is_stored(step.name.casefold()) and self._has_more(step.name, _MANY)
            for step in known
        )

    def _read(self, name: str) -> list[str]:
        if name not in self._needs:
            self._needs[name] = [each for each in self._texts.named(self._steps[name].text) if each != name]
        return self._needs[name]

    def _is_empty(self, name: str) -> bool:
        """Whether a stored step has no rows; it is filled if it may have some."""
        name = name.casefold()
        if name not in self._empty:
            self._empty[name] = self._fill(self._steps[name])
        return self._empty[name]

    def _has_no_input(self, part: Part) -> bool:
        steps = [self._steps.get(name.casefold()) for name in part.of]
        return bool(steps) and all(
            step is not None and step.stored and self._is_empty(step.name) for step in steps
        )

    def _has_all(self, name: str) -> bool:
        """Whether a step of marked rows has all rows of its definition."""
        if name not in self._all:
            step = self._steps[name]
            single = step.all is not None and step.all.single
            self._all[name] = self._equals_all(step) or (single and not self._is_empty(name))
        return self._all[name]

    def _compute_once(self, name: str) -> None:
        """Compute a definition with its marks, or without them if nothing is marked."""
        marked = self._once.pop(name)
        _ = self._is_empty(marked)
        if name not in self._empty and not self._is_stored(name):
            self._store_all(name)

    def _equals_all(self, step: Step) -> bool:
        """Whether a step's definition is wholly marked, because its inputs are."""
        if step.all is None:
            return False
        if any(all(map(self._has_all, each)) for each in step.all.of):
            return True
        return any(self._has_all(each) and not self._is_empty(each) for each in step.all.requested)

    def _fill(self, step: Step) -> bool:
        if self._equals_all(step):
            assert step.all is not None
            return self._fill_all(step, step.all)
        parts = [part for part in step.parts if not self._has_no_input(part)]
        if parts and step.marking is not None and self._are_many(step.marking):
            parts = [self._marked_once(step, step.marking)]
        if parts and step.within is not None and (larger := self._larger(step.within)) is not None:
            if self._is_same(step.within, larger):
                self._make_view(step, larger.relation)
                return not self._contents.number(step.name)
            parts = [Part(step.within.text.replace("\0", quote(larger.relation)))]
            step = replace(step, whole=None)
        part_of = step.whole if parts else None
        if part_of is not None and (self._is_computed(part_of) or self._requests_many(part_of)):
            parts, part_of = [self._part_of_whole(part_of)], None
        parts = [part for part in parts if not self._lacks_rows(part)]
        if not parts:
            if step.types:
                self._make_empty(step)
            return True
        query = " UNION ".join(part.text for part in parts)
        text = self._ready(query)
        if part_of is not None and not self._is_cached(query, text) and self._costs_less(part_of, step.text):
            query = self._part_of_whole(part_of).text
            text = self._ready(query)
        self._store(step, text, self._texts.of(query))
        if step.within is not None and step.within.only:
            self._note_part(step.name, step.within)
        return not self._contents.number(step.name)

    def _make_empty(self, step: Step) -> None:
        columns = ", ".join(
            f"{quote(name)} {kind}" for name, kind in zip(step.columns, step.types, strict=True)
        )
        _ = self._connection.execute(f"CREATE TEMP TABLE {quote(step.name)} ({columns})")
        self._contents.has(step.name, 0)

    def _lacks_rows(self, part: Part) -> bool:
        """Whether a part has no rows, because of a list of steps that it reads none has."""
        return any(all(map(self._is_without_rows, names)) for names in part.inputs)

    def _is_without_rows(self, name: str) -> bool:
        """Whether a relation surely has no rows; a stored step is filled to tell."""
        step = self._steps.get(name)
        if step is None:
            return False
        if self._is_stored(name):
            return self._is_empty(name)
        if name in self._small:
            return not self._contents.number(step.name)
        return bool(step.parts) and all(map(self._lacks_rows, step.parts))

    def _larger(self, part: Within) -> FoundPart | None:
        """A larger computed part from which a part can be read."""
        here = self._requested_of(part)
        for larger in self._parts.of(part.table):
            if larger.answers == part.answers and all(
                n in here and values.holds(here[n][0]) and (here[n][1] or not no_null)
                for n, (values, no_null) in larger.values.items()
            ):
                return larger
        return None

    def _is_same(self, part: Within, larger: FoundPart) -> bool:
        """Whether a part equals a larger one from which it can be read."""
        return part.only and all(
            n in larger.values
            and larger.values[n][0].digest == values.digest
            and larger.values[n][1] == no_null
            for n, (values, no_null) in self._requested_of(part).items()
        )

    def _requested_of(self, part: Within) -> dict[int, tuple[Values, bool]]:
        """Column position → the values that a part's rows have, and whether NULL is excluded."""
        found = {n: (self._contents.values(table, column), no) for n, table, column, no in part.requested}
        return {n: (values, refuses or not values.has_null) for n, (values, refuses) in found.items()}

    def _note_part(self, name: str, part: Within) -> None:
        if self._contents.number(name) > _SMALL:
            return
        found = FoundPart(self._contents.base_table(name), self._requested_of(part), part.answers)
        self._parts.add(
            part.table, found, is_shared=self._cache is not None and part.table not in self._steps
        )

    def _are_many(self, marking: Marking) -> bool:
        """Whether so many rows are marked that all rows of a definition are computed once."""
        if marking.always:
            return True
        most = {name: _MOST_MARKED for name in marking.marked} | dict.fromkeys(marking.requested, _MANY)
        return any(self._has_more(name, number) for name, number in most.items())

    def _has_more(self, name: str, number: int) -> bool:
        if self._is_empty(name):
            return False
        return self._contents.number(self._steps[name.casefold()].name) > number

    def _marked_once(self, step: Step, marking: Marking) -> Part:
        """Compute all rows of a definition with their marks, for all its readers."""
        name, definition = f"{step.name}_of_all", marking.definition.casefold()
        made = Step(name, (*marking.columns, "__mark"), (Part(marking.text()),), stored=True)
        text = self._ready(made.text)
        self._store(made, text, self._texts.of(made.text))
        self._steps[name], self._empty[name] = made, False
        own = ", ".join(map(quote, marking.columns))
        _ = self._once.pop(definition, None)
        if definition in self._steps and definition not in self._empty:
            view = f"CREATE TEMP VIEW {quote(marking.definition)} AS SELECT {own} FROM {quote(name)}"
            _ = self._connection.execute(view)
            self._computed.add(definition)
            self._empty[definition] = False
        return Part(f"SELECT DISTINCT {own} FROM {quote(name)} WHERE __mark")

    def _fill_all(self, step: Step, rows: All) -> bool:
        """Fill a step with all rows of its definition; a table's rows are not copied."""
        if self._texts.named(rows.text) or self._used(rows.text):
            self._store(step, self._ready(rows.text), self._texts.of(rows.text))
            return not self._contents.number(step.name)
        _ = self._connection.execute(f"CREATE TEMP VIEW {step.head} AS {rows.text}")
        ((some,),) = self._connection.execute(f"SELECT EXISTS (SELECT 1 FROM {quote(step.name)})").fetchall()
        return not some
