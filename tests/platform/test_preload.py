"""The fork server's preload: steps that are forked from it start at once, and none waits for a thread that it lacks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.platform.shop import SOURCE, write_shop

THREADS = """
import json, os, time
import recsys_assets.preload
from recsys_lineage.assets.code.reachable_code import Codebase
names = [open(f"/proc/self/task/{each}/comm").read().strip() for each in os.listdir("/proc/self/task")]
looked = []
whole = Codebase.reach
Codebase.reach = lambda self, roots: (looked.append(roots), whole(self, roots))[1]
from recsys_assets import definitions
from recsys_assets.service.champion_decisions import Decided
from recsys_assets.settings import load_settings
from recsys_lineage.orchestration.defined_assets import asset_codes
def versions(of):
    return {name: code.code_version for name, code in asset_codes(of.assets).items()}
ready = definitions.defs()
anew = definitions.build_definitions(load_settings())
definitions.decided_so_far = lambda settings: Decided(promoted="ease")
promoted = definitions.defs()
changed = [name for name, version in versions(promoted).items() if version != versions(ready)[name]]
print(json.dumps({"threads": names, "looked": len(looked), "ready": ready is definitions._prepared[0][1],
                  "same": versions(ready) == versions(anew), "changed": changed}))
"""


def printed(script: str, source: Path, folder: Path) -> Any:
    """What a script says in JSON on its last line, run over a small shop in a home of its own."""
    settings = {"RECSYS_HOME": str(folder / "home"), "RECSYS_DATA": str(write_shop(folder / "data", 2))}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **settings, "RECSYS_SOURCE": str(source)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_steps_find_the_code_looked_through_and_no_pool_of_threads_running(tmp_path: Path) -> None:
    found = printed(THREADS, SOURCE, tmp_path)
    assert found["looked"] == 0
    assert found["ready"] and found["same"]
    assert found["changed"] == ["gate"], "what people decided meanwhile counts"
    # Polars' workers and Delta's runtime do not live on in a fork
    assert not [
        name for name in found["threads"] if name.startswith("tokio") or name in {"polars-0", "polars-1"}
    ]


def test_settings_that_are_wrong_do_not_stop_the_fork_server() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import recsys_assets.preload"],
        env={**os.environ, "RECSYS_SOURCE": "/no/such/folder", "RECSYS_SEED": "no number"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


LOADS = """
import json, os, shutil
from pathlib import Path
from recsys_assets import definitions
from recsys_assets.service.champion_decisions import Decided
from recsys_lineage.orchestration.defined_assets import asset_codes
built = []
real = definitions.build_definitions
definitions.build_definitions = lambda *given, **named: (built.append(1), real(*given, **named))[1]
def loaded():
    before = len(built)
    found = {name: code.code_version for name, code in asset_codes(definitions.defs().assets).items()}
    return len(built) - before, found
at_first = [loaded()[0] for _ in range(3)]
before = loaded()[1]
sql = Path(os.environ["RECSYS_SOURCE"], "raw_events.sql")
sql.write_text(sql.read_text().rstrip().rstrip(";") + " -- told again\\nWHERE true")
source, edited = loaded()
os.environ["RECSYS_SEED"] = "77"
setting = loaded()[0]
definitions.decided_so_far = lambda settings: Decided(promoted="ease")
decision = loaded()[0]
changed = [name for name in before if before[name] != edited[name]]
print(json.dumps([at_first, source, changed, setting, decision]))
"""


@pytest.mark.slow
def test_assets_are_defined_again_only_where_something_changed(tmp_path: Path) -> None:
    source = shutil.copytree(SOURCE, tmp_path / "source")
    at_first, source_changed, changed, setting, decision = printed(LOADS, source, tmp_path)
    assert at_first == [1, 0, 0]
    assert source_changed == 1 and "raw_events" in changed
    assert setting == 1
    assert decision == 1
