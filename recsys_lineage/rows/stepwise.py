"""Stepwise: steps executed one by one on a connection, each on first use.

One statement with all steps would give the same. But most rows have no input in most branches of a statement, and
DuckDB would scan these branches anyway; here an empty step is detected before the steps behind it run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import duckdb
import pyarrow as pa

from recsys_lineage.rows.kept_steps import Contents, FoundPart, KeptSteps, Parts, Values, words_of
from recsys_lineage.rows.statement.catalog import not_taken
from recsys_lineage.rows.statement.short_lists import ShortLists
from recsys_lineage.rows.statement.steps import All, Marking, Part, Step, Whole, Within
from recsys_lineage.rows.step_words import StepWords
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
        kept: results of other statements' steps over the same tables, to which these results are added. The connection
            must then be a cursor of the connection that has them.
        costly: folded names of steps that compute at least all of their rows whenever some are requested, as with
            groups → the use at which they are stored: the first or the second, which costs at most twice the optimum.
        stored: a table that other statements have under the same name with other rows, and an identifier of its rows.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        steps: Iterable[Step],
        parameters: Mapping[str, object],
        kept: KeptSteps | None = None,
        costly: Mapping[str, int] | None = None,
        stored: tuple[str, str] = ("", ""),
    ) -> None:
        self._found, self._contents = kept, Contents(connection, kept)
        self._parts, self._stored = Parts(kept), stored
        self._connection, self._parameters = connection, parameters
        self._lists = ShortLists(connection, self._rows_found, self._contents.has_null)
        self._steps = {step.name.casefold(): step for step in steps}
        self._words = StepWords(self._steps, self._contents, self._is_kept)
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
        self._kept: set[str] = set()
        self._few: dict[str, int] = {}
        self._few_kept: set[str] = set()
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
        plain = self._not_kept(query)
        for name in plain:
            if name in self._costly:
                self._costly[name] -= 1
        while again := [name for name in plain if self._costly.get(name, 1) < 1]:
            del self._costly[again[-1]]
            self._keep_whole(again[-1])
            plain = self._not_kept(query)
        while (part := self._due(plain)) is not None:
            self._keep_few(part)
            plain = self._not_kept(query)
        for name in plain:
            self._few[name] = self._few.get(name, self._steps[name].few) - 1
        return self._over(plain, query)

    def _over(self, plain: Iterable[str], query: str) -> str:
        """A query behind steps that it reads and that are not stored, in order."""
        written = ",\n".join(f"{self._steps[name].head} AS ({self._steps[name].text})" for name in plain)
        return self._lists.put_into(f"WITH RECURSIVE {written}\n{query}" if written else query)

    def _due(self, plain: Sequence[str]) -> str | None:
        """The last of some steps that is to be kept if it has few rows."""
        few = (name for name in reversed(plain) if self._few.get(name, self._steps[name].few) == 1)
        return next(few, None)

    def _keep_few(self, name: str) -> None:
        """Keeps the rows of a part, unless they are many."""
        step = self._steps[name]
        text = self._over([each for each in self._not_kept(step.text) if each != name], step.text)
        made = f"CREATE TEMP TABLE {step.head} AS SELECT * FROM ({text}) LIMIT {_FEW + 1}"
        self._few[name] = 0
        if self._connection.execute(made, self._used(text)).fetchall()[0][0] > _FEW:
            _ = self._connection.execute(f"DROP TABLE {quote(step.name)}")
        else:
            self._few_kept.add(name)

    def _rows_found(self, name: str) -> int | None:
        """Number of rows of a filled step; None for what is none."""
        known = self._empty.get(name.casefold(), True)
        return None if known else self._contents.number(self._steps[name.casefold()].name)

    def _keep_whole(self, name: str) -> None:
        step = self._steps[name]
        self._keep(step, self._ready(step.text), self._words.of(step.text))
        self._kept.add(name)
        self._empty[name] = False

    def _not_kept(self, query: str) -> list[str]:
        """The unstored steps that a query reads, in order; stored steps are filled."""
        seen: set[str] = set()
        open_ = [*self._words.named(query)]
        while open_:
            name = open_.pop()
            if name in seen or name in self._few_kept:
                continue
            seen.add(name)
            if name in self._once:
                self._make_once(name)
            if self._is_kept(name):
                _ = self._is_empty(name)
            else:
                open_ += self._read(name)
        return sorted((name for name in seen if not self._is_kept(name)), key=self._order.__getitem__)

    def _keep(self, step: Step, text: str, said: str) -> None:
        """Fill a step, or reuse the result of a step with the same text."""
        used = self._used(text)
        if self._found is None:
            made = self._connection.execute(f"CREATE TEMP TABLE {step.head} AS {text}", used).fetchall()
            self._contents.has(step.name, made[0][0])
            return

        def fill(name: str) -> int:
            return int(self._connection.execute(f"CREATE TABLE {name} AS {text}", used).fetchall()[0][0])

        self._stand_on(step, self._found.table(self._word(said, text), fill))

    def _word(self, said: str, text: str) -> str:
        """Identity of a step's rows, given its text."""
        name, rows = self._stored
        return f"{said} {words_of(self._used(text) or {})}{rows if name and name in text else ''}"

    def _stand_on(self, step: Step, kept: str) -> None:
        """Make a step a view of a filled table, under its own column names if it has any."""
        _ = self._connection.execute(f"CREATE TEMP VIEW {step.head} AS FROM {quote(kept)}")
        self._contents.stands_on(step.name, kept, step.columns)

    def _was_found(self, said: str, text: str) -> bool:
        """Whether a step with the same text was filled."""
        return self._found is not None and self._found.has(self._word(self._words.of(said), text))

    def _is_kept(self, name: str) -> bool:
        return self._steps[name].stored or name in self._kept

    def _is_whole(self, whole: Whole) -> bool:
        return whole.definition.casefold() in self._kept

    def _part_of_whole(self, whole: Whole) -> Part:
        self._kept.add(whole.definition.casefold())
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
        open_ = [*self._words.named(text)]
        number = 0
        while open_:
            name = open_.pop()
            if name not in seen and name in self._empty:
                number += self._contents.number(self._steps[name].name)
            elif name not in seen:
                open_ += self._read(name)
            seen.add(name)
        return number

    def _asks_for_many(self, whole: Whole) -> bool:
        """Whether so much of a definition is requested that computing all of it once is cheaper than parts."""
        known = [self._steps.get(name.casefold()) for name in whole.asked]
        return all(
            step is not None and self._is_kept(step.name.casefold()) and self._has_more(step.name, _MANY)
            for step in known
        )

    def _read(self, name: str) -> list[str]:
        if name not in self._needs:
            self._needs[name] = [each for each in self._words.named(self._steps[name].text) if each != name]
        return self._needs[name]

    def _is_empty(self, name: str) -> bool:
        """Whether a stored step has no rows; it is filled if it may have some."""
        name = name.casefold()
        if name not in self._empty:
            self._empty[name] = self._fill(self._steps[name])
        return self._empty[name]

    def _gives_none(self, part: Part) -> bool:
        steps = [self._steps.get(name.casefold()) for name in part.of]
        return bool(steps) and all(
            step is not None and step.stored and self._is_empty(step.name) for step in steps
        )

    def _holds_all(self, name: str) -> bool:
        """Whether a step of marked rows has all rows of its definition."""
        if name not in self._all:
            step = self._steps[name]
            single = step.all is not None and step.all.single
            self._all[name] = self._is_made_of_all(step) or (single and not self._is_empty(name))
        return self._all[name]

    def _make_once(self, name: str) -> None:
        """Compute a definition with its marks, or without them if nothing is marked."""
        marked = self._once.pop(name)
        _ = self._is_empty(marked)
        if name not in self._empty and not self._is_kept(name):
            self._keep_whole(name)

    def _is_made_of_all(self, step: Step) -> bool:
        """Whether a step's definition is wholly marked, because its inputs are."""
        if step.all is None:
            return False
        if any(all(map(self._holds_all, each)) for each in step.all.of):
            return True
        return any(self._holds_all(each) and not self._is_empty(each) for each in step.all.asked)

    def _fill(self, step: Step) -> bool:
        if self._is_made_of_all(step):
            assert step.all is not None
            return self._fill_all(step, step.all)
        parts = [part for part in step.parts if not self._gives_none(part)]
        if parts and step.marking is not None and self._are_many(step.marking):
            parts = [self._marked_once(step, step.marking)]
        if parts and step.within is not None and (larger := self._larger(step.within)) is not None:
            if self._is_same(step.within, larger):
                self._stand_on(step, larger.relation)
                return not self._contents.number(step.name)
            parts = [Part(step.within.text.replace("\0", quote(larger.relation)))]
            step = replace(step, whole=None)
        part_of = step.whole if parts else None
        if part_of is not None and (self._is_whole(part_of) or self._asks_for_many(part_of)):
            parts, part_of = [self._part_of_whole(part_of)], None
        if not parts:
            if step.types:
                columns = ", ".join(
                    f"{quote(name)} {kind}" for name, kind in zip(step.columns, step.types, strict=True)
                )
                _ = self._connection.execute(f"CREATE TEMP TABLE {quote(step.name)} ({columns})")
            return True
        said = " UNION ".join(part.text for part in parts)
        text = self._ready(said)
        if part_of is not None and not self._was_found(said, text) and self._costs_less(part_of, step.text):
            said = self._part_of_whole(part_of).text
            text = self._ready(said)
        self._keep(step, text, self._words.of(said))
        if step.within is not None and step.within.only:
            self._note_part(step.name, step.within)
        return not self._contents.number(step.name)

    def _larger(self, part: Within) -> FoundPart | None:
        """A larger computed part from which a part can be read."""
        here = self._asked_of(part)
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
            n in larger.values and larger.values[n][0].said == values.said and larger.values[n][1] == no_null
            for n, (values, no_null) in self._asked_of(part).items()
        )

    def _asked_of(self, part: Within) -> dict[int, tuple[Values, bool]]:
        """Column position → the values that a part's rows have, and whether NULL is excluded."""
        found = {n: (self._contents.values(table, column), no) for n, table, column, no in part.asked}
        return {n: (values, refuses or not values.has_null) for n, (values, refuses) in found.items()}

    def _note_part(self, name: str, part: Within) -> None:
        if self._contents.number(name) > _SMALL:
            return
        found = FoundPart(self._contents.below(name), self._asked_of(part), part.answers)
        self._parts.add(
            part.table, found, is_shared=self._found is not None and part.table not in self._steps
        )

    def _are_many(self, marking: Marking) -> bool:
        """Whether so many rows are marked that all rows of a definition are computed once."""
        if marking.always:
            return True
        most = {name: _MOST_MARKED for name in marking.marked} | dict.fromkeys(marking.asked, _MANY)
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
        self._keep(made, text, self._words.of(made.text))
        self._steps[name], self._empty[name] = made, False
        own = ", ".join(map(quote, marking.columns))
        _ = self._once.pop(definition, None)
        if definition in self._steps and definition not in self._empty:
            view = f"CREATE TEMP VIEW {quote(marking.definition)} AS SELECT {own} FROM {quote(name)}"
            _ = self._connection.execute(view)
            self._kept.add(definition)
            self._empty[definition] = False
        return Part(f"SELECT DISTINCT {own} FROM {quote(name)} WHERE __mark")

    def _fill_all(self, step: Step, rows: All) -> bool:
        """Fill a step with all rows of its definition; a table's rows are not copied."""
        if self._words.named(rows.text) or self._used(rows.text):
            self._keep(step, self._ready(rows.text), self._words.of(rows.text))
            return not self._contents.number(step.name)
        _ = self._connection.execute(f"CREATE TEMP VIEW {step.head} AS {rows.text}")
        ((some,),) = self._connection.execute(f"SELECT EXISTS (SELECT 1 FROM {quote(step.name)})").fetchall()
        return not some
