"""The quality benchmark on a folder that it has never seen."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.checkerboard import SIZE

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "quality.py"


def folder(tmp_path: Path, *, valid: bool) -> Path:
    def lists(name: str, keep: int) -> None:
        lines = [
            " ".join(
                map(str, [u, *(i for i in range(SIZE) if u % 2 == i % 2 and (i // 2 + u // 2) % 4 == keep)])
            )
            for u in range(SIZE)
        ]
        (tmp_path / name).write_text("\n".join(lines) + "\n")

    lists("test.txt", 0)
    lists("train.txt", 1)
    train = (tmp_path / "train.txt").read_text().splitlines()
    lists("train.txt", 2)
    more = (tmp_path / "train.txt").read_text().splitlines()
    (tmp_path / "train.txt").write_text(
        "\n".join(f"{a} {b.split(' ', 1)[1]}" for a, b in zip(train, more, strict=True))
    )
    if valid:
        lists("valid.txt", 3)
    return tmp_path


@pytest.mark.parametrize("valid", [True, False])
def test_it_prints_one_object_with_and_without_a_validation_file(tmp_path: Path, valid: bool) -> None:
    command = [
        sys.executable,
        str(SCRIPT),
        str(folder(tmp_path, valid=valid)),
        "--family",
        "popularity",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    row = json.loads(done.stdout)["popularity"]
    assert 0 <= row["ndcg"] <= 1 and 0 <= row["recall"] <= 1
    assert row["seconds"] >= 0 and row["peak_mb"] > 10 and "power" in row["chosen"]


def test_a_folder_without_lists_is_refused(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 2 and "expected a file train.txt" in done.stderr
