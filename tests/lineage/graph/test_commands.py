"""`recsys-lineage`: each command answers in words, JSON and pictures, with an exit code for scripts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recsys_lineage.cli.commands import COMMANDS, app, lineage_app
from recsys_lineage.cli.place import Place
from recsys_lineage.cli.proving import Extent, Proofs, proofs_of
from recsys_lineage.proof.asset_proof import AssetProof
from recsys_lineage.proof.observed.observed_code import CodeProof
from recsys_lineage.proof.observed.observed_reads import ReadProof
from recsys_lineage.retention.policy import Policy
from recsys_lineage.retention.prune import prune
from tests.lineage.graph.shop import Shop

FOUND = {
    "upstream": ["report"],
    "downstream": ["orders"],
    "columns": ["shops.cents"],
    "impact": ["orders"],
    "paths": ["orders.csv", "daily"],
    "asof": ["model@0"],
    "diff": ["shops"],
    "runs": [],
    "rows": ["shops", "shop=a"],
    "tags": ["shops"],
    "verify": ["shops", "--no-reads"],
}
"""For each command something that it finds."""
NOTHING = {
    "upstream": ["file:orders.csv"],
    "downstream": ["report"],
    "columns": ["report", "--down"],
    "impact": ["report"],
    "paths": ["daily", "shops"],
    "asof": ["2020-01-01"],
    "diff": ["shops@1", "shops@1"],
    "runs": ["--at", "2020-01-01"],
    "rows": ["report", "shops=2"],
    "tags": ["raw_orders"],
    "verify": ["model"],
}
"""For each command something that it finds nothing for."""


def answer(shop: Shop, *words: str) -> Result:
    return CliRunner().invoke(app, ["--lake", shop.lake.uri, *words])


def test_every_command_is_tried_here() -> None:
    names = {command.__name__ for command in COMMANDS}
    assert names == FOUND.keys() == NOTHING.keys()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("command", FOUND)
class TestEveryCommand:
    def test_it_answers_in_words_and_in_json(self, seen: Shop, command: str) -> None:
        words = answer(seen, command, *FOUND[command])
        assert words.exit_code == 0, words.output
        assert "orders@" in words.stdout or "shops" in words.stdout
        plain = answer(seen, command, *FOUND[command], "--json")
        assert plain.exit_code == 0 and isinstance(json.loads(plain.stdout), dict)

    def test_it_exits_with_1_when_it_finds_nothing(self, seen: Shop, command: str) -> None:
        for more in ([], ["--json"]):
            said = answer(seen, command, *NOTHING[command], *more)
            assert said.exit_code == 1, said.output
            assert said.output.strip()

    def test_it_exits_with_2_when_it_is_asked_wrongly(self, seen: Shop, command: str) -> None:
        wrong = ["nothing_of_that_name"] * max(1, len(FOUND[command]))
        said = answer(seen, command, *wrong, "--json")
        assert said.exit_code == 2, said.output
        assert "nothing_of_that_name" in json.loads(said.stdout)["error"]["what"]
        assert answer(seen, command, *FOUND[command], "--json", "--format", "dot").exit_code == 2
        assert answer(seen, command, *FOUND[command], "--format", "gif").exit_code == 2

    def test_its_answer_is_drawn(self, seen: Shop, command: str, tmp_path: Path) -> None:
        mermaid = answer(seen, command, *FOUND[command], "--format", "mermaid").stdout
        assert mermaid.startswith("flowchart LR\n") and (" -->" in mermaid or " -.->" in mermaid)
        dot = answer(seen, command, *FOUND[command], "--format", "dot").stdout
        assert dot.startswith("digraph lineage {") and " -> " in dot
        svg = answer(seen, command, *FOUND[command], "--format", "svg").stdout
        boxes = [
            each
            for each in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}g")
            if each.get("class") == "node"
        ]
        assert len(boxes) == dot.count("fillcolor=") > 1
        out = tmp_path / "answer.png"
        assert answer(seen, command, *FOUND[command], "--format", "png", "--out", str(out)).exit_code == 0
        assert out.read_bytes().startswith(b"\x89PNG")

    def test_it_exits_with_2_where_the_answer_cannot_be_written(
        self, seen: Shop, command: str, tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        for out in (tmp_path, tmp_path / "missing" / "answer", tmp_path / "file" / "answer"):
            said = answer(seen, command, *FOUND[command], "--out", str(out))
            assert said.exit_code == 2 and "cannot be written" in said.stderr, said.output

    def test_its_help_is_its_text(self, command: str) -> None:
        said = CliRunner().invoke(app, ["--lake", "x", command, "--help"])
        (function,) = (each for each in COMMANDS if each.__name__ == command)
        assert said.exit_code == 0 and (function.__doc__ or "").split("\n")[0][:40] in said.output


@pytest.mark.parametrize(
    "words",
    [["shops"], ["SHOPS", "shop=a"], ["shops@x", "shop=a"], ["shops", "cents=many"], ["shops", "nothing=1"], ["1", "a"],
     ["file:"], ["file:orders.csv:3-2"], ["file:orders.csv:0"], ["file:orders.csv", "shop=a"]],
    ids=" ".join,
)  # fmt: skip
def test_rows_that_cannot_be_meant_are_a_wrong_question(seen: Shop, words: list[str]) -> None:
    said = answer(seen, "rows", *words, "--json")
    assert said.exit_code == 2, said.output
    assert json.loads(said.stdout)["error"]["expected"]


def test_the_json_is_what_the_function_says(seen: Shop) -> None:
    said = json.loads(answer(seen, "impact", "orders", "--json").stdout)
    assert {each["asset"]: each["rebuilt"] for each in said["assets"]}["shops"] is True
    assert said["rebuild"] and set(said["rebuild"]) == {"model", "report", "daily"}


def test_a_long_proof_says_how_far_it_is_and_its_answer_stays_json(seen: Shop) -> None:
    said = answer(seen, "verify", "shops", "model", "--no-reads", "--json")
    assert set(json.loads(said.stdout)["proofs"]) == {"shops"}
    sample = {"rows": 100, "sample": 3, "rounds": 1, "reads": False, "seconds": 60.0}
    assert json.loads(said.stdout)["extent"] == sample
    told = said.stderr.splitlines()
    assert told[0].startswith("1 of 2: shops not refuted, ")
    assert told[1].startswith("2 of 2: model not tried, ")


def test_what_was_made_by_other_code_is_tried_where_one_says_so(seen: Shop) -> None:
    other = replace(seen._shops(), code_version="another")
    place = Place((seen.lake,), codes=lambda: {"shops": replace(other, remade=lambda _given: other)})
    refused = proofs_of(place, ["shops"], extent=Extent(reads=False), seed=0)
    assert not refused.found and "--anyway" in refused.not_tried["shops"]
    tried = proofs_of(place, ["shops"], extent=Extent(reads=False), seed=0, other_code=True)
    assert tried.found and tried.proofs[0].asset == "shops"


def test_proofs_of_several_are_a_table_and_say_what_was_not_tried() -> None:
    reads = ReadProof("a", ("t version 0",), 1, ("/other",), ())
    proofs = [AssetProof("a", 0, None, None, reads), AssetProof("b", 0, None, None, None)]
    said = Proofs(proofs, {"c": "it is Python"}, Extent(), {"b": 42.3}).report()
    table, _, details = said.partition("\n\n")
    head, _, *lines = table.splitlines()
    assert head.split()[:3] == ["asset", "edges", "possible"] and [line[0] for line in lines] == [
        "a",
        "b",
        "2",
    ]
    assert "differ" in table and "not run" in table
    assert "a refuted" in details and "/other" in details and "b not refuted" not in details
    assert "c not tried: it is Python" in details and "100 rows" in details and "b (42 s)" in details
    assert "Tried" not in Proofs([], {"c": "it is Python"}).report()


def test_code_that_ran_and_is_not_covered_fails_and_is_named() -> None:
    of_code = CodeProof("a", 3, ("plug.f at /plug.py:2",))
    proofs = [AssetProof(name, 0, None, None, None, ran=ran) for name, ran in (("a", of_code), ("b", None))]
    found = Proofs(proofs, {})
    assert not found.found and found.to_json()["proofs"]["a"]["code"]["uncovered"] == (
        "plug.f at /plug.py:2",
    )
    table, _, details = found.report().partition("\n\n")
    assert "not covered" in table and "not run" in table
    assert "a refuted" in details and "ran, not covered by the code version: plug.f at /plug.py:2" in details


def test_only_what_could_not_be_tried_fails_and_not_what_an_asset_is_without() -> None:
    without = AssetProof("a", 0, None, None, None, without=("no proof of rows: it is Python",))
    assert Proofs([without], {}).found and "no proof of rows" in Proofs([without], {}).report()
    not_tried = AssetProof("a", 0, None, None, None, not_tried=("columns: gone",))
    assert not Proofs([not_tried], {}).found and not Proofs([without], {"b": "gone"}).found


def test_as_the_graph_was(seen: Shop) -> None:
    said = json.loads(answer(seen, "upstream", "daily", "--at", "model@0", "--json").stdout)
    assert said["roots"] == ["daily@0"]
    said = json.loads(answer(seen, "tags", "shops", "--at", "model@0", "--json").stdout)
    assert [each["version"] for each in said["columns"]] == ["shops@0"]
    assert (
        answer(seen, "tags", "--at", "2020-01-01").exit_code
        == answer(seen, "runs", "--at", "2020-01-01").exit_code
    )


def test_a_lake_alone_makes_nothing_again(seen: Shop) -> None:
    said = answer(seen, "impact", "orders", "--materialize")
    assert said.exit_code == 2 and "in this order: " in said.output


def test_what_is_affected_is_made_again_by_who_mounted_the_commands(shop: Shop) -> None:
    from contextlib import nullcontext

    def rebuild(names: object) -> list[str]:
        shop.make(*names)  # pyright: ignore[reportGeneralTypeIssues]
        return []

    mounted = lineage_app(lambda: nullcontext(Place([shop.lake], rebuild)))
    before = {name: shop.lake.version(name).version for name in ("model", "report", "daily", "shops")}
    assert CliRunner().invoke(mounted, ["impact", "orders"]).exit_code == 0
    assert {name: shop.lake.version(name).version for name in before} == before, "a dry run by default"
    done = json.loads(CliRunner().invoke(mounted, ["impact", "orders", "--materialize", "--json"]).stdout)
    assert set(done["materialized"]) == {"model", "report", "daily"} and done["failed"] == []
    after = {name: shop.lake.version(name).version for name in before}
    assert after == {**{name: version + 1 for name, version in before.items()}, "shops": before["shops"]}
    assert (
        "everything was rebuilt" in CliRunner().invoke(mounted, ["impact", "orders", "--materialize"]).output
    )


def test_an_asset_that_fails_is_told_by_the_exit_code(shop: Shop) -> None:
    from contextlib import nullcontext

    mounted = lineage_app(lambda: nullcontext(Place([shop.lake], lambda names: ["model"])))
    said = CliRunner().invoke(mounted, ["impact", "orders", "--materialize", "--json"])
    assert said.exit_code == 1 and json.loads(said.stdout)["failed"] == ["model"]


def test_a_png_is_not_written_on_a_terminal(seen: Shop) -> None:
    terminal, end = os.openpty()
    run = "from recsys_lineage.cli import app; app()"
    command = [sys.executable, "-c", run, "--lake", seen.lake.uri, "upstream", "report", "--format", "png"]
    done = subprocess.run(command, stdout=end, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(end)
    os.set_blocking(terminal, False)
    try:
        shown = os.read(terminal, 10)
    except OSError:  # nothing was written
        shown = b""
    os.close(terminal)
    assert done.returncode == 2 and "--out" in done.stderr and shown == b""


def test_no_lake_there(tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["--lake", str(tmp_path / "nowhere"), "runs"])
    assert said.exit_code == 2 and "There is no lake" in said.output
    assert not (tmp_path / "nowhere").exists()


def test_the_help_loads_no_engine() -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom recsys_lineage.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "print(sorted({'duckdb', 'polars', 'dagster', 'rustworkx', 'pygraphviz', 'numpy'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "command", [("upstream", "report@0"), ("downstream", "raw_orders@0"), ("asof", "report@0")]
)
def test_versions_whose_files_are_gone_are_named_and_said_to_be_pruned(
    shop: Shop, command: tuple[str, str]
) -> None:
    now = datetime.now(timezone.utc)
    prune(shop.lake, lambda _: Policy(0), now=now, grace=timedelta(0))
    plain = json.loads(answer(shop, *command, "--json").stdout)
    nodes = plain.get("nodes") or [each["then"] for each in plain["versions"]]
    gone = {node["id"] for node in nodes if node["pruned"]}
    assert gone >= {"orders@0", "shops@0"}
    versions = [node for node in nodes if node["kind"] == "version"]
    assert gone == {
        each["id"] for each in versions if each["version"] in shop.lake.pruned(each["name"]).all()
    }
    words = answer(shop, *command).stdout.splitlines()
    for name in gone:
        assert any(name in line and f"pruned on {now:%Y-%m-%d}" in line for line in words)
    assert not any("report@0" in line and "pruned" in line for line in words)
    assert "pruned on" in answer(shop, *command, "--format", "mermaid").stdout


@pytest.mark.parametrize(
    "command",
    [
        ("columns", "raw_orders@0", "--down"), ("impact", "raw_orders@0"),
        ("paths", "raw_orders@0", "report@0"), ("diff", "orders@0", "orders@1"), ("runs",), ("runs", "orders"),
    ],
)  # fmt: skip
def test_every_other_answer_says_which_of_its_versions_are_gone(shop: Shop, command: tuple[str, ...]) -> None:
    now = datetime.now(timezone.utc)
    prune(shop.lake, lambda _: Policy(0), now=now, grace=timedelta(0))
    said = answer(shop, *command, "--json").stdout
    plain = json.loads(said)
    named = {(name, int(number)) for name, number in re.findall(r'"(\w+)@(\d+)"', said)}
    gone = {f"{name}@{n}" for name, n in named if n in shop.lake.pruned(name).all()}
    assert gone and plain["pruned"] == dict.fromkeys(gone, f"on {now:%Y-%m-%d}")
    words = answer(shop, *command).stdout
    assert "Pruned, with the record kept: " in words and all(f"{each} on " in words for each in gone)
