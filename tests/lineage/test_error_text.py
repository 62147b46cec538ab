"""An error whose text never comes is left alone, and the process goes on as if it had not been asked."""

from __future__ import annotations

import subprocess
import sys

import pytest

WATCHED = """
import sys, time
from recsys_lineage.error_text import text_of

class Silent(Exception):
    def __str__(self):
        {never}

assert text_of(Silent()) is None
sys.setprofile(lambda *_: None)
(lambda: 1)()
sys.setprofile(None)
print("went on")
"""


@pytest.mark.parametrize("never", ["time.sleep(1_000)", "while True: pass"])
def test_functions_still_run_under_a_profiler_where_a_text_never_comes(never: str) -> None:
    command = [sys.executable, "-c", WATCHED.format(never=never)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == "went on\n", done.stderr
