"""Pictures of answers: arrows go as the trace went, two things have at most one, and short names tell files apart."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_lineage.cli.row_drawings import drawn
from recsys_lineage.cli.row_trace import traced
from recsys_lineage.errors import TableNotFound
from recsys_lineage.graph.lineage_graph import LineageGraph
from recsys_lineage.graph.questions.answers import ColumnLineage, ColumnLink, Link, Paths
from recsys_lineage.graph.questions.closure import upstream
from recsys_lineage.graph.questions.drawing import Arrow, Drawing, TooManyBoxes
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.records import Records
from tests.lineage.graph.shop import Shop


def arrows(drawing: Drawing) -> set[tuple[str, str]]:
    return {(arrow.source, arrow.target) for arrow in drawing.arrows}


def test_rows_are_drawn_as_the_trace_went_through_the_tables(seen: Shop, graph: LineageGraph) -> None:
    made = arrows(drawn(upstream(graph, "shops")))
    back = drawn(traced([seen.lake], "shops", ["shop=a"], forward=False, files=None))
    tables = {name for name in back.boxes if "@" in name}
    assert {"raw_orders", "orders", "shops"} == {name.partition("@")[0] for name in tables}
    assert {each for each in arrows(back) if set(each) <= tables} == {
        each for each in made if set(each) <= tables
    }
    (file,) = (text for shape, text in back.boxes.values() if shape == "file")
    assert file.startswith("orders.csv\n") and file.endswith("\nthe whole file")


def test_rows_forward_are_drawn_away_from_where_they_start(seen: Shop) -> None:
    forward = drawn(traced([seen.lake], "orders", ["id=1"], forward=True, files=None))
    names = {name.partition("@")[0]: name for name in forward.boxes}
    assert (names["orders"], names["shops"]) in arrows(forward)
    assert not any(target == names["orders"] for _, target in arrows(forward))
    assert not any(
        source == names["orders"] and target == names.get("report") for source, target in arrows(forward)
    )


@pytest.mark.parametrize("forward", [False, True])
def test_a_table_whose_record_is_gone_says_so(
    seen: Shop, monkeypatch: pytest.MonkeyPatch, forward: bool
) -> None:
    """Otherwise its box stood beside the others without an arrow, and without a word."""
    asked, row = ("raw_orders", []) if forward else ("shops", ["shop=a"])
    trace = traced([seen.lake], asked, row, forward=forward, files=None)
    get = Records.get

    def without_orders(records: Records, asset: str, version: int | None = None) -> Materialization:
        if asset == "orders":
            raise TableNotFound("gone")
        return get(records, asset, version)

    told = {name: text for name, (_, text) in drawn(trace).boxes.items()}
    monkeypatch.setattr(Records, "get", without_orders)
    gone = {name: text for name, (_, text) in drawn(trace).boxes.items()}
    changed = {name.partition("@")[0] for name in told if told[name] != gone[name]}
    assert changed == {"orders"}
    assert all(text.endswith("no record says of what") for name, text in gone.items() if told[name] != text)


def test_one_row_is_one_row(seen: Shop) -> None:
    boxes = drawn(traced([seen.lake], "shops", ["shop=a"], forward=False, files=None)).boxes
    for name, (_, text) in boxes.items():
        assert ("1 rows" not in text) and (not name.startswith("shops@") or "\n1 row\n" in text), text


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.sampled_from("xy"),
            st.sampled_from(
                [
                    ("DIRECT", "IDENTITY"),
                    ("DIRECT", "AGGREGATION"),
                    ("INDIRECT", "JOIN"),
                    ("INDIRECT", "SORT"),
                ]
            ),
        ),
        min_size=1,
    )
)
def test_two_columns_have_one_arrow_that_is_dashed_where_all_is_indirect(
    edges: list[tuple[str, str, tuple[str, str]]],
) -> None:
    links = tuple(ColumnLink("t@1", source, "u@1", target, *how) for source, target, how in edges)
    drawing = drawn(ColumnLineage("u@1", "up", (), (), links))
    assert len(drawing.arrows) == len(arrows(drawing)) == len({(link[0], link[1]) for link in edges})
    for arrow in drawing.arrows:
        of_these = [
            link
            for link in links
            if (f"t@1.{link.source_column}", f"u@1.{link.target_column}") == (arrow.source, arrow.target)
        ]
        assert arrow.dashed == all(link.kind == "INDIRECT" for link in of_these)
        told = {link.subtype.lower() for link in of_these if (link.kind == "INDIRECT") == arrow.dashed}
        assert set(arrow.text.split(", ")) == told
    assert {shape for name, (shape, _) in drawing.boxes.items() if name.startswith("u@")} == {"target"}


@given(
    st.sets(st.lists(st.sampled_from(["a", "b", "c.csv"]), min_size=1, max_size=4).map("/".join), min_size=1)
)
def test_short_names_of_files_tell_them_apart(paths: set[str]) -> None:
    links = tuple(Link(f"file:/{path}@0123456789ab", "t@1") for path in sorted(paths))
    boxes = drawn(Paths("", "t", tuple((link,) for link in links))).boxes
    words = {name: text.split("\n")[0] for name, (_, text) in boxes.items() if name != "t@1"}
    assert len(set(words.values())) == len(paths)
    for name, short in words.items():
        assert f"/{name.removeprefix('file:').partition('@')[0]}".endswith(f"/{short.removeprefix('/')}")


_PIECES = [*"a1 _-*.:;,#&<>\"'`\\$@%[](){}|~^", "\n", "fa:fa-user ", "#35;"]


@given(st.lists(st.lists(st.sampled_from(_PIECES)).map("".join), min_size=1))
def test_a_label_of_mermaid_shows_the_text_and_holds_no_mark(texts: list[str]) -> None:
    """In a browser `a#b;` was an entity, and backticks, `\\n`, `$$` and `fa:fa-user` were marks."""
    boxes = {str(place): ("column", text) for place, text in enumerate(texts)}
    lines = Drawing(boxes, (Arrow("0", "0", "#1;"),)).mermaid().splitlines()  # type: ignore[arg-type]
    labels = [found[1] for line in lines if (found := re.fullmatch(r'    n\d+\["(.*)"\]:::column', line))]
    assert '    n0 -->|"#35;1;"| n0' in lines
    for text, label in zip(texts, labels, strict=True):
        bare = re.sub(r"#\d+;", "", label).replace("<br/>", "")
        assert not re.search(r"""[&"<>#\\`$]|:fa-""", bare)
        assert html.unescape(label.replace("<br/>", "\n").replace("#", "&#")) == text


def test_more_than_mermaid_draws_is_refused() -> None:
    """Its renderers show an error in place of the picture, which nobody would see who writes it into a file."""
    boxes = {str(place): ("version", str(place)) for place in range(40)}
    arrows = tuple(Arrow(one, other) for one in boxes for other in boxes)
    drawing = Drawing(boxes, arrows)  # type: ignore[arg-type]
    with pytest.raises(TooManyBoxes, match=r"1,600 arrows"):
        drawing.mermaid()
    assert drawing.dot().count("->") == len(arrows)
