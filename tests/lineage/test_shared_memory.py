"""Files in shared memory are data like others, unless the run of an asset makes them."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from recsys_lineage.assets.reading.guarded_code import guarded
from recsys_lineage.errors import UnnotedFile


@pytest.fixture
def shared_memory() -> Iterator[Path]:
    """A folder in memory that processes share."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    (folder / "prices.csv").write_text("id,price\n1,2.5\n")
    yield folder
    shutil.rmtree(folder)


SHARED: dict[str, Callable[[Path], object]] = {
    "open": lambda path: path.read_text(),
    "native": pl.read_csv,
    "update": lambda path: open(path, "r+").close(),
    "rename": lambda path: path.rename(path.with_name("new")),
    "listing": lambda path: os.listdir(path.parent),
    "listing of all": lambda path: os.listdir("/dev/shm"),
    "link": lambda path: _read_by_a_link(path),
}
"""Ways to a file in shared memory that another process, or this one earlier, has made."""
SHARING: dict[str, Callable[[], object]] = {
    "array": lambda: multiprocessing.Array("d", 1_000)[0],
    "named": lambda: _named_memory(),
    "folder": lambda: _folder_in_memory(),
    "loader": lambda: _loaded_by_another_process(),
}
"""Ways in which libraries share memory between processes of their own."""


def _read_by_a_link(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "link"
        link.symlink_to(path)
        open(link).close()


def _named_memory() -> None:
    made = SharedMemory(create=True, size=8)
    SharedMemory(name=made.name).close()
    made.close()
    made.unlink()


def _folder_in_memory() -> None:
    folder = Path("/dev/shm", f"arrays-of-{os.getpid()}")
    folder.mkdir()
    (folder / "inner").mkdir()
    np.save(folder / "inner" / "a.npy", np.arange(3))
    assert np.load(folder / "inner" / "a.npy", mmap_mode="r")[2] == 2
    shutil.rmtree(folder)


def _loaded_by_another_process() -> None:
    data = torch.utils.data.TensorDataset(torch.arange(4))
    loader = torch.utils.data.DataLoader(data, num_workers=1, multiprocessing_context="fork")
    assert [int(batch) for (batch,) in loader] == [0, 1, 2, 3]


@pytest.mark.parametrize("how", SHARED)
def test_what_others_put_into_shared_memory_is_data(how: str, shared_memory: Path) -> None:
    with guarded("prices"), pytest.raises(UnnotedFile):
        SHARED[how](shared_memory / "prices.csv")


@pytest.mark.parametrize("how", SHARING)
def test_libraries_share_memory_of_their_own(how: str) -> None:
    with guarded("prices"):
        SHARING[how]()
