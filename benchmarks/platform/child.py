"""A command as a child process: its wall and CPU seconds, and the peak memory of its process tree."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

_SAMPLE_SECONDS = 0.1
_REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Measured:
    """What a command cost. `peak_gb` sums resident memory over the tree, sampled; GB of 10^9 bytes."""

    seconds: float
    cpu_seconds: float
    peak_gb: float
    output: str


def measure(command: Sequence[str], settings: Mapping[str, str], folder: Path) -> Measured:
    """Run a command to its end, with only the given `RECSYS_*` settings, in a folder without `.env`.

    Args:
        command: the command and its arguments.
        settings: its `RECSYS_*` variables; those of this process's environment are not handed on.
        folder: where it runs.

    Raises:
        SystemExit: when it fails; shows what it wrote to stderr.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RECSYS_")}
    environment |= {**settings, "PYTHONPATH": str(_REPOSITORY)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=environment
    ) as process:
        peak = [0]
        sampler = threading.Thread(target=_sample, args=(process.pid, peak), daemon=True)
        sampler.start()
        try:
            output, errors = process.communicate()
        except BaseException:
            process.kill()
            raise
    seconds = time.perf_counter() - began
    sampler.join()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{errors[-3000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(seconds, cpu, peak[0] / 1e9, output)


def _sample(pid: int, peak: list[int]) -> None:
    try:
        process = psutil.Process(pid)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            peak[0] = max(peak[0], _tree_bytes(process))
            time.sleep(_SAMPLE_SECONDS)
    except psutil.NoSuchProcess:
        pass


def _tree_bytes(process: psutil.Process) -> int:
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def machine() -> dict[str, str]:
    """Where figures come from: the machine, how busy it is, and the versions."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    names = ("duckdb", "deltalake", "dagster", "pandas", "polars", "pyarrow")
    return {
        "machine": f"{model}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB memory",
        "load": f"{os.getloadavg()[0]:.1f} running processes when this began",
        "versions": ", ".join(
            [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in names)]
        ),
    }


def say(text: str) -> None:
    """Progress, on stderr."""
    print(f"  {text}", file=sys.stderr, flush=True)
