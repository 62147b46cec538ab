"""What a connection spills to disk goes with it, however its process ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from tests.examples import examples

_SPILLS = """
import os, sys
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.process_end import leave
spill, lake, way = sys.argv[1:]
cursor = Lake(lake, Engine("60MB", 1, spill)).cursor()  # of the instance that the process keeps
cursor.execute("SELECT md5(i::VARCHAR) AS text FROM range(2000000) AS numbers(i) ORDER BY text")
found = [path for path in os.listdir(spill) if not path.endswith("-files") and os.listdir(f"{spill}/{path}")]
print(len(found), flush=True)
sys.stdin.readline()
{"leaves": lambda: leave(3), "exits": lambda: os._exit(3), "is killed": lambda: os.kill(os.getpid(), 9)}[way]()
"""


@pytest.mark.parametrize("way", ["leaves", "exits", "is killed"])
def test_nothing_stays_of_what_was_spilled(tmp_path: Path, way: str) -> None:
    spill = tmp_path / "spill"
    (tmp_path / "lake").mkdir()
    command = [sys.executable, "-c", _SPILLS, str(spill), str(tmp_path / "lake"), way]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n", "it spills"
        with Engine(threads=1, temp_folder=str(spill)).connect():
            pass
        assert len(os.listdir(spill)) == 2, "what a live process holds is not touched"
        process.stdin.write("\n")
        process.stdin.close()
        process.wait()
    if way != "leaves":
        assert len(os.listdir(spill)) == 2, "nobody could tidy up"
        with Engine(threads=1, temp_folder=str(spill)).connect():
            pass
    assert os.listdir(spill) == []


def test_a_fork_leaves_its_parents_alone(tmp_path: Path) -> None:
    program = (
        "import os, sys\n"
        "from recsys_lineage.lake.engine import Engine\n"
        "from recsys_lineage.process_end import leave\n"
        "connection = Engine('60MB', 1, sys.argv[1]).connect()\n"
        "if not (child := os.fork()):\n"
        "    leave(0)\n"
        "os.waitpid(child, 0)\n"
        "print(len(os.listdir(sys.argv[1])))\n"
        "connection.close()\n"
        "print(len(os.listdir(sys.argv[1])))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1\n0\n"


def test_a_folder_that_cannot_be_made_keeps_nobody_from_connecting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Engine(threads=1, temp_folder=str(tmp_path / "file")).connect() as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_an_instance_that_is_kept_serves_on(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    spill = tmp_path / "spill"
    lake = Lake(str(tmp_path / "lake"), Engine("60MB", 1, str(spill)))
    for _ in range(2):
        with lake.cursor() as cursor:
            query = "SELECT md5(i::VARCHAR) AS text FROM range(2000000) AS numbers(i) ORDER BY text LIMIT 1 OFFSET 9"
            assert len(cursor.execute(query).fetchall()) == 1
    with Engine("60MB", 1, str(spill)).connect():
        assert len(os.listdir(spill)) >= 2


def test_many_connect_and_close_beside_each_other(tmp_path: Path) -> None:
    """Each looks for what is abandoned while the others delete theirs."""
    program = (
        "import sys\n"
        "from recsys_lineage.lake.engine import Engine\n"
        f"for _ in range({examples(60, judged=20)}):\n"
        "    Engine(threads=1, temp_folder=sys.argv[1]).connect().close()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [("", 0)] * 4
    assert os.listdir(tmp_path) == []
