"""A file of the feedback holds its lines, in their order, whatever stands behind them meanwhile."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.service.feedback import log_file
from recsys_assets.service.feedback.log_file import PADDING, LogFile


@given(st.lists(st.integers(1, 200), max_size=20), st.integers(1, 300), st.integers(0, 100))
def test_there_are_the_lines_and_padding_and_once_it_is_closed_the_lines_alone(
    lengths: list[int], room: int, least: int
) -> None:
    lines = [b"%d" % (number % 10) * length + b"\n" for number, length in enumerate(lengths)]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_file, "ROOM", room)
        file = LogFile(path := Path(folder) / "events-1.jsonl")
        for count, line in enumerate(lines, 1):
            file.write(line)
            assert path.read_bytes().rstrip(PADDING) == b"".join(lines[:count])
            file.make_room(least)
            assert path.stat().st_size >= file.size + least
        file.close()
        assert path.read_bytes() == b"".join(lines) and file.size == len(path.read_bytes())


def test_a_line_changes_neither_the_size_nor_the_blocks_of_its_file(tmp_path: Path) -> None:
    file = LogFile(path := tmp_path / "events-1.jsonl")
    before = path.stat()
    for _ in range(20):
        file.write(b"." * 5000 + b"\n")
    after = path.stat()
    assert (before.st_size, before.st_blocks) == (after.st_size, after.st_blocks)
    assert before.st_size == log_file.ROOM
    file.close()


def test_on_a_disk_that_is_nearly_full_lines_have_the_room_that_padding_would_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.pwrite

    def full_at_1000(descriptor: int, content: bytes, at: int) -> int:
        if at >= 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, content[: 1000 - at], at)

    monkeypatch.setattr(log_file.os, "pwrite", full_at_1000)
    file = LogFile(path := tmp_path / "events-1.jsonl")
    assert path.stat().st_size == 0
    for _ in range(10):
        file.write(b"." * 99 + b"\n")
    with pytest.raises(OSError, match="No space"):
        file.write(b"one more\n")
    file.abandon()
    assert path.read_bytes() == (b"." * 99 + b"\n") * 10


def test_a_file_in_which_nothing_could_be_written_is_deleted_and_one_that_may_have_been_read_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, fails = os.pwrite, {"at": 0}

    def failing(descriptor: int, content: bytes, at: int) -> int:
        if bytes(content[:1]) != PADDING:
            write(descriptor, content[: fails["at"]], at)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return write(descriptor, content, at)

    monkeypatch.setattr(log_file.os, "pwrite", failing)
    for put, left in ((0, False), (9, True)):
        fails["at"] = put
        file = LogFile(path := tmp_path / f"events-{put}.jsonl")
        with pytest.raises(OSError, match="Input"):
            file.write(b'{"n": 1}\n')
        file.abandon()
        assert path.exists() == left
