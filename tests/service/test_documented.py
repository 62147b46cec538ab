"""What docs/serving.md shows is answered so: every curl of it is run, every file of it is loaded."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from recsys_assets.experiments.experiment import Experiments
from recsys_assets.service.answers.rules import Rules
from tests.service.running import PATIENCE, Customer

TEXT = (Path(__file__).parents[2] / "docs" / "serving.md").read_text()
BLOCKS = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
SHOWN = [
    (line, answer)
    for line, answer in re.findall(r"^\$ (curl [^\n]+)\n(\{.*?)(?=^\$|\Z)", "\n".join(BLOCKS), re.DOTALL | re.MULTILINE)
]  # fmt: skip
HERE = {
    "chocolat+ice+creem": "thingg+3",
    "1823": "customer-3",
    "1029743": "item-3",
    "995242": "item-9",
    "localhost:8000": "127.0.0.1:{port}",
}


@pytest.mark.parametrize(("line", "answer"), SHOWN, ids=[line[:60] for line, _ in SHOWN])
def test_a_curl_is_answered_as_shown(line: str, answer: str, kept_customer: Customer) -> None:
    for there, here in HERE.items():
        line = line.replace(there, here.format(port=kept_customer.port))
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=PATIENCE)
    found = json.loads(done.stdout)
    shown = set(re.findall(r'"(\w+)":', answer.partition("\n```")[0].split("\n[")[0]))
    assert shown and shown <= set(re.findall(r'"(\w+)":', done.stdout)) | {
        "candidate_lightgcn",
        "gate",
        "interaction_graph",
    }
    assert ("status" in found) == ('"status"' in answer)


def test_there_are_such_answers() -> None:
    assert len(SHOWN) == 7


def test_its_files_can_be_used(tmp_path: Path) -> None:
    (rules,) = (block for block in BLOCKS if block.startswith("[bought]"))
    experiments, interleaving = (block for block in BLOCKS if block.startswith("[[experiment]]"))
    (tmp_path / "rules.toml").write_text(rules)
    (tmp_path / "experiments.toml").write_text(experiments)
    said = Rules.load(tmp_path / "rules.toml")
    assert all(getattr(said, name) != getattr(Rules(), name) for name in Rules.model_fields), (
        "all rules are shown"
    )
    assert Experiments.load(tmp_path / "experiments.toml")["ranker"].arms[1].family == "popularity"
    (tmp_path / "experiments.toml").write_text(interleaving)
    assert Experiments.load(tmp_path / "experiments.toml")["ranking"].interleaves
