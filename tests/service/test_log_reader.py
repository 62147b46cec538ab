"""A reader of the feedback finds each line once, however the files grow while it looks."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import tempfile
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.service.feedback.log_file import PADDING
from recsys_assets.service.feedback.log_reader import LogReader


class Writer:
    """Writes to one file after another, as a worker does, over the padding behind the last line."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name, self.files, self.lines = folder, name, 0, list[str]()
        self.begin()

    def begin(self) -> None:
        """Go on in a new file."""
        if self.files:
            self.file.close()
        self.files += 1
        path = self.folder / f"events-2026{self.files:04}-{self.name}.jsonl"
        self.file = path.open("x+b", buffering=0)
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def pad(self, count: int) -> None:
        """Put padding behind what there is."""
        at = self.file.tell()
        self.file.seek(0, os.SEEK_END)
        self.file.write(PADDING * count)
        self.file.seek(at)

    def line(self) -> bytes:
        """The next line, of any length."""
        self.lines.append(f"{self.name}{len(self.lines)}")
        entry = {"who": self.name, "id": self.lines[-1], "text": "." * (len(self.lines) * 7 % 40)}
        return json.dumps(entry).encode() + b"\n"


whoever = st.sampled_from(["a", "b"])
whatever = st.sampled_from(["line", "line", "line in two parts", "padding", "new file", "read"])


@given(st.lists(st.tuples(whoever, whatever), max_size=40), st.integers(3, 80))
def test_each_line_is_found_once_in_the_order_of_its_writer(steps: list[tuple[str, str]], block: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        writers = {name: Writer(Path(folder), name) for name in "ab"}
        found: dict[str, list[str]] = {name: [] for name in writers}
        reader = LogReader(Path(folder), "events", needs=("id",), block=block)

        def read() -> None:
            for entry in reader.new():
                found[entry["who"]].append(entry["id"])

        for name, step in steps:
            writer = writers[name]
            if step == "new file":
                writer.begin()
            elif step == "padding":
                writer.pad(50)
            elif step == "line":
                writer.file.write(writer.line())
            elif step == "line in two parts":
                before, line = list(writer.lines), writer.line()
                writer.file.write(line[:-9])
                read()
                assert found[name] == before, "half a line is none"
                writer.file.write(line[-9:])
            else:
                read()
                assert found == {each: writers[each].lines for each in writers}
        read()
        assert found == {name: writer.lines for name, writer in writers.items()}
        assert reader.found.damaged == [] and reader.found.torn == 0
        for writer in writers.values():
            writer.file.close()


def test_the_end_of_a_killed_writer_is_told_once_and_its_files_are_watched_no_more(tmp_path: Path) -> None:
    writer = Writer(tmp_path, "a")
    writer.pad(1000)
    reader = LogReader(tmp_path, "events")
    writer.file.write(writer.line() + b'{"id": "to')
    assert [entry["id"] for entry in reader.new()] == ["a0"]
    assert reader.found.torn == 0, "it may be being written"
    writer.file.close()
    other = Writer(tmp_path, "b")
    other.file.write(other.line())
    assert [entry["id"] for entry in reader.new()] == ["b0"] and list(reader.new()) == []
    assert reader.found.torn == 1 and reader.found.lines == 2
    other.pad(1000)
    other.file.close()
    Writer(tmp_path, "c").file.close()
    assert list(reader.new()) == [] and reader.found.torn == 1, "padding is no line"


def test_a_file_that_is_deleted_before_a_line_is_written_is_watched_no_more(tmp_path: Path) -> None:
    reader = LogReader(tmp_path, "events")
    writer = Writer(tmp_path, "a")
    assert list(reader.new()) == []
    (tmp_path / "events-20260001-a.jsonl").unlink()
    writer.file.close()
    opened = psutil.Process().num_fds()
    assert list(reader.new()) == []
    assert psutil.Process().num_fds() == opened - 1


def test_a_file_that_cannot_be_opened_at_once_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = LogReader(tmp_path, "events")
    for name in "ab":
        writer = Writer(tmp_path, name)
        writer.file.write(writer.line())
        writer.file.close()
    os.utime(tmp_path, (0, 0))  # nothing in the folder changes any more
    with monkeypatch.context() as full:
        full.setattr(Path, "open", _too_many_files)
        with pytest.raises(OSError, match="Too many"):
            list(reader.new())
    assert [entry["id"] for entry in reader.new()] == ["a0", "b0"]


def _too_many_files(*_: object) -> None:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
