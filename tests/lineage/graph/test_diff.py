"""Diff: whatever was changed between two versions is where their differences start, and nothing else is."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.assets.asset_code import AssetCode, Request
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import attempt
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.graph import LineageGraph, diff
from recsys_lineage.graph.questions.diff import Diff
from recsys_lineage.graph.questions.drawing import drawn
from recsys_lineage.graph.questions.target import UnknownTarget
from recsys_lineage.lake.fingerprint import partition_fingerprints
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.parquet import table_files
from recsys_lineage.records.comparison import causes, libraries, outcomes
from recsys_lineage.records.records import Records
from recsys_lineage.sql.sql_text import SqlText
from tests.examples import examples
from tests.lineage.graph.shop import Shop
from tests.lineage.records.record_writers import ENGINE

SOURCES = ("first", "second")
NUMBERS = itertools.count(1)


@dataclass
class Chain:
    """A lake: left ← first.csv; right ← second.csv; joined ← left and right; model ← joined.

    Attributes:
        lake: of these assets.
        folder: of the files.
        factor: in the text of `joined`.
        depth: a parameter of `model`.
        random: whether `model` gives another result each time.
    """

    lake: Lake
    folder: Path
    factor: int = 1
    depth: int = 1
    random: bool = False
    files: dict[str, Path] = field(default_factory=dict)

    def make(self) -> None:
        """Materialize all of it."""
        for code in (
            self._file("left", "first"),
            self._file("right", "second"),
            self._joined(),
            self._model(),
        ):
            done = attempt(code, self.lake, Request())
            if done.error is not None:
                raise done.error

    def answer(self, *words: str) -> Diff:
        """What differs."""
        records = Records(self.lake)
        return diff(LineageGraph.of(records), [records], *words)

    def write(self, source: str) -> None:
        """Give a file other content."""
        path = self.files.setdefault(source, self.folder / f"{source}.csv")
        path.write_text(f"id,n\n1,{next(NUMBERS)}\n2,5\n")

    def _file(self, name: str, source: str) -> AssetCode:
        path = self.files[source]

        def read(inputs: Inputs) -> pl.DataFrame:
            with inputs.open_file(path) as file:
                return pl.read_csv(file.read())

        return frame_code(read, name=name)

    def _joined(self) -> AssetCode:
        text = f'SELECT id, l.n * {self.factor} + r.n AS n FROM "left" AS l JOIN "right" AS r USING (id)'
        return sql_code(SqlText(text, "joined.sql"), name="joined")

    def _model(self) -> AssetCode:
        depth, result = self.depth, next(NUMBERS) if self.random else 0

        def model(joined: pl.DataFrame) -> pl.DataFrame:
            return joined.select(pl.col("n").sum() * depth + LUCK[0])

        LUCK[0] = result
        return frame_code(model, parameters={"depth": depth})


LUCK = [0]
"""What `model` depends on and no record has."""
CHANGES: dict[str, tuple[str, Callable[[Chain], None]]] = {
    "a file": ("left", lambda chain: chain.write("first")),
    "another file": ("right", lambda chain: chain.write("second")),
    "the SQL": ("joined", lambda chain: setattr(chain, "factor", chain.factor + 1)),
    "a parameter": ("model", lambda chain: setattr(chain, "depth", chain.depth + 1)),
}
"""For each change the asset where it starts."""


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Chain]:
    def chain() -> Chain:
        folder = tmp_path_factory.mktemp("chain")
        made = Chain(Lake(str(folder / "lake"), ENGINE), folder)
        for source in SOURCES:
            made.write(source)
        made.make()
        return made

    return chain


@settings(max_examples=examples(16, judged=2))
@given(changes=st.lists(st.sets(st.sampled_from(sorted(CHANGES))), min_size=1, max_size=3))
def test_the_differences_start_where_something_was_changed(
    chains: Callable[[], Chain], changes: list[set[str]]
) -> None:
    """Whatever is changed in the nights between two versions: no cause is missing, none is invented."""
    chain = chains()
    for night in changes:
        for change in night:
            CHANGES[change][1](chain)
        chain.make()
    every = {CHANGES[change][0] for night in changes for change in night}
    assert set(chain.answer("model@0", f"model@{len(changes)}").origins) == every
    last = chain.answer("model")
    assert (last.before, last.after) == (f"model@{len(changes) - 1}", f"model@{len(changes)}")
    assert set(last.origins) == {CHANGES[change][0] for change in changes[-1]}
    for each in last.assets:  # the way from where it starts is told, step by step
        assert each.is_origin or each.is_equal or each.inputs
        assert set(each.inputs) <= {other.asset for other in last.assets}
    assert mirrored(chain.answer("model@0", "model@1")) == reasons(chain.answer("model@1", "model@0"))


def reasons(answer: Diff) -> list[tuple[object, ...]]:
    return [
        (
            *(each.asset, each.before, each.after, sorted(each.inputs)),
            # where code stands now is told, and its text as it became: neither has a mirror
            [(c.aspect, None if c.aspect == "code" else c.name, c.before, c.after) for c in each.causes],
            [(file.path, file.before, file.after) for file in each.files],
            sorted((o.aspect, o.name, o.before, o.after) for o in each.outcomes),
        )
        for each in answer.assets
    ]


def mirrored(answer: Diff) -> list[tuple[object, ...]]:
    """The reasons with before and after exchanged."""
    turned = [
        replace(
            each, before=each.after, after=each.before,
            causes=tuple(replace(c, before=c.after, after=c.before) for c in each.causes),
            files=tuple(replace(f, before=f.after, after=f.before) for f in each.files),
            outcomes=tuple(replace(o, before=o.after, after=o.before) for o in each.outcomes),
        )
        for each in answer.assets
    ]  # fmt: skip
    return reasons(replace(answer, assets=tuple(turned)))


def test_what_a_text_became_is_shown(chains: Callable[[], Chain]) -> None:
    chain = chains()
    chain.factor = 3
    chain.make()
    (joined,) = (each for each in chain.answer("model").assets if each.asset == "joined")
    (code,) = joined.causes
    assert code.aspect == "code" and "+SELECT id, l.n * 3" in code.text and "-SELECT id, l.n * 1" in code.text


def test_a_result_that_nothing_recorded_explains_is_said_to_be_one(chains: Callable[[], Chain]) -> None:
    chain = chains()
    chain.random = True
    chain.make()
    answer = chain.answer("model")
    assert answer.origins == ("model",)
    (model,) = (each for each in answer.assets if each.asset == "model")
    assert model.is_unexplained and not model.causes and not model.inputs


def test_what_was_made_again_of_the_same_starts_nowhere(chains: Callable[[], Chain]) -> None:
    chain = chains()
    chain.make()
    answer = chain.answer("model")
    assert answer.origins == () and all(each.is_equal for each in answer.assets)


def test_a_file_is_new_gone_or_changed_and_named_with_its_content(chains: Callable[[], Chain]) -> None:
    chain = chains()
    chain.write("first")
    chain.files["second"] = chain.folder / "third.csv"
    chain.write("second")
    chain.make()
    found = {file.path: file for each in chain.answer("model").assets for file in each.files}
    states = {Path(path).name: file.state for path, file in found.items()}
    assert states == {"first.csv": "changed", "second.csv": "gone", "third.csv": "new"}
    for file in found.values():
        assert (file.before is None, file.after is None) == (file.state == "new", file.state == "gone")
        assert file.before != file.after


def test_partitions_are_told_apart(shop: Shop) -> None:
    records = Records(shop.lake)
    (daily,) = (
        each for each in diff(LineageGraph.of(records), [records], "daily").assets if each.asset == "daily"
    )
    assert daily.partitions is not None
    assert (daily.partitions.new, daily.partitions.gone, daily.partitions.changed) == ((), (), ("tue",))


def test_a_version_alone_is_compared_with_the_latest_and_that_one_is_marked(shop: Shop) -> None:
    shop.make("model")
    shop.make("model")
    records = Records(shop.lake)
    answer = diff(LineageGraph.of(records), [records], "model@0")
    assert (answer.before, answer.after) == ("model@0", "model@2")
    targets = [name for name, (shape, _) in drawn(answer).boxes.items() if shape == "target"]
    assert targets == ["model"]


def test_two_runs_are_compared_table_by_table(shop: Shop) -> None:
    first, last = "0001-of-the-shop", shop.make("report")
    records = Records(shop.lake)
    answer = diff(LineageGraph.of(records), [records], f"run:{first}", f"run:{last}")
    assert {each.asset for each in answer.assets} == {"raw_orders", "orders", "shops", "daily", "report"}
    assert answer.unchanged == ("model",)
    shapes = {name: shape for name, (shape, _) in drawn(answer).boxes.items()}
    assert shapes == {**dict.fromkeys(shapes, "version"), "raw_orders": "stale"}, "none of them was asked for"


def test_a_start_from_a_version_before_is_told_where_only_one_had_it(shop: Shop) -> None:
    shop.make("model")
    shop.make("model")
    records = Records(shop.lake)
    graph = LineageGraph.of(records)

    def starts(before: str, after: str) -> list[bool]:
        (model,) = (each for each in diff(graph, [records], before, after).assets if each.asset == "model")
        return [cause.is_origin for cause in model.causes if cause.aspect == "start"]

    assert starts("model@0", "model@1") == [True]
    assert starts("model@1", "model@2") == [False]


def test_libraries_rows_columns_nulls_numbers_and_checks_are_compared(seen: Shop) -> None:
    one = Records(seen.lake).get("shops", 0)
    assert one.rows and one.written is not None
    column = one.written.columns["cents"]
    other = replace(
        one, rows=one.rows * 2, engine={**one.engine, "polars": "0"}, schema=one.schema[:1],
        written=replace(one.written, columns={**one.written.columns, "cents": replace(column, nulls=one.rows)}),
        statistics={"ndcg": {"at 20": 0.5}}, checks=(),
    )  # fmt: skip
    assert causes(one, other) == () and [each.name for each in libraries(one, other)] == ["polars"]
    told = {each.aspect: each for each in outcomes(one, other)}
    assert set(told) == {"rows", "column", "values", "statistic"}
    assert told["rows"].change == 1.0 and told["values"].after == 0.5
    assert (told["column"].name, told["column"].after) == ("cents", None)
    assert (told["statistic"].name, told["statistic"].before) == ("ndcg.at 20", None)
    assert outcomes(one, one) == causes(one, one) == libraries(one, one) == ()


def test_parameters_are_told_and_explain_another_code_version_of_the_same_commit(seen: Shop) -> None:
    one = replace(
        Records(seen.lake).get("shops", 0), parameters={"depth": {"a": 1}}, git_commit="f00", git_dirty=False
    )
    other = replace(one, parameters={"depth": {"a": 2}}, code_version="other")
    assert [(each.aspect, each.name, each.before, each.after) for each in causes(one, other)] == [
        ("parameter", "depth.a", 1, 2)
    ]
    for unsure in (replace(other, git_commit="bar"), replace(other, git_dirty=True)):
        assert [each.aspect for each in causes(one, unsure)] == ["code", "parameter"]


@pytest.mark.parametrize(
    "words",
    [["report"], ["orders@0", "shops@0"], ["orders.shop"], ["daily[mon]"], ["file:orders.csv"], ["orders@9"],
     ["run:0001-of-the-shop"], ["run:0001-of-the-shop", "orders@0"]],
    ids=" ".join,
)  # fmt: skip
def test_what_cannot_be_compared_is_said_with_a_way_out(seen: Shop, words: list[str]) -> None:
    records = Records(seen.lake)
    with pytest.raises(UnknownTarget) as caught:
        diff(LineageGraph.of(records), [records], *words)
    assert all((caught.value.expected, caught.value.found, caught.value.where, caught.value.advice))


def test_partitions_that_two_engines_hashed_are_not_called_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(tmp_path)
    shop.everything()
    shop.file.write_text(shop.file.read_text() + "4,a,wed,9\n")
    monkeypatch.setattr(table_files, "HASHED_BY", "rows-sum-1 duckdb 99.1")
    monkeypatch.setattr(table_files, "partition_fingerprints", _of_another_engine)
    shop.everything()
    found = diff(LineageGraph.of(Records(shop.lake)), [Records(shop.lake)], "daily@0", "daily@1")
    daily = next(each for each in found.assets if each.asset == "daily")
    assert daily.is_equal is None and daily.partitions is not None
    assert (daily.partitions.changed, daily.partitions.incomparable) == ((), ("mon", "tue"))
    assert daily.inputs == ()


def _of_another_engine(*arguments: Any, **options: Any) -> Any:
    found = partition_fingerprints(*arguments, **options)
    return {key: f"{content}1" for key, content in found.items()}
