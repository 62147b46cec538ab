"""A sender that is killed, wherever it is, loses nothing and leaves nothing that holds the next one up."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from recsys_lineage.openlineage.delivery.replay import Replay
from tests.lineage.delivery.made_stream import delivery_to, made_messages
from tests.lineage.delivery.sink import TAKE, Behaviour, Sink, refuse, require_each_once_in_order

MESSAGES = made_messages(2, 1)
POISON = MESSAGES[2].id
OWN = f"{os.sep}recsys_lineage{os.sep}openlineage{os.sep}"
# Children of a process that has imported everything start at once, and share no threads with this one.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.lineage.delivery.test_kills"])


def send(folder: Path, urls: list[str], lines: int | None, again: bool, told: Any) -> None:
    """Send, and be killed when so many lines of the delivery have run; tell how many ran in all."""
    ran = 0

    def step(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal ran
        if OWN not in frame.f_code.co_filename:
            return None
        if event == "line":
            ran += 1
            if ran == lines:
                os.kill(os.getpid(), signal.SIGKILL)
        return step

    delivery = delivery_to(folder, MESSAGES, *urls)
    sys.settrace(step)
    delivery.replay(Replay(since="2026-11-01")) if again else delivery.send()
    sys.settrace(None)
    told.send(ran)


def killed(folder: Path, urls: list[str], lines: int | None, *, again: bool = False) -> int | None:
    """The number of lines that ran in a process of its own; None where it was killed."""
    here, there = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=send, args=(folder, urls, lines, again, there))
    process.start()
    there.close()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return here.recv() if process.exitcode == 0 else None


def script(_number: int, id_: str) -> Behaviour:
    return refuse(422, "never") if id_ == POISON else TAKE


@pytest.mark.sampled(3)
@pytest.mark.parametrize("part", range(14))
def test_at_every_step(tmp_path: Path, part: int) -> None:
    with Sink(script) as sink:
        lines = killed(tmp_path / "whole", [sink.url], None)
        assert lines is not None and lines > 300
        sink.stored.clear()
        at = 1 + (lines - 2) * part // 13
        assert killed(tmp_path / "cut", [sink.url], at) is None
        before = list(sink.stored)
        (done,) = delivery_to(tmp_path / "cut", MESSAGES, sink.url).send(again_now=True)
    assert done.state == "delivered"
    letters = delivery_to(tmp_path / "cut", MESSAGES, sink.url).dead_letters()
    assert [letter.message for letter in letters] == [POISON]
    require_each_once_in_order(sink.stored, [message for message in MESSAGES if message.id != POISON])
    assert len(sink.stored) <= len(set(sink.stored)) + 1, "only what was under way is sent again"
    assert sink.stored[: len(before)] == before


@pytest.mark.parametrize("part", range(5))
def test_a_replay_that_was_broken_off_is_finished_by_the_next_sender(tmp_path: Path, part: int) -> None:
    with Sink() as sink:
        delivery_to(tmp_path, MESSAGES, sink.url).send()
        sink.stored.clear()
        lines = killed(tmp_path, [sink.url], None, again=True)
        assert lines is not None and sink.stored == [message.id for message in MESSAGES]
        sink.stored.clear()
        assert killed(tmp_path, [sink.url], lines * (2 + part) // 8, again=True) is None
        begun = bool(sink.stored)
        delivery_to(tmp_path, MESSAGES, sink.url).send()
    if begun:
        assert sink.stored[-1] == MESSAGES[-1].id, "it goes up to the newest"
        require_each_once_in_order(sink.stored, MESSAGES)


@pytest.mark.parametrize("part", range(6))
def test_lines_of_a_file_stand_once_and_whole(tmp_path: Path, part: int) -> None:
    lines = killed(tmp_path / "whole", [], None)
    assert lines is not None
    killed(tmp_path / "cut", [], lines * (part + 1) // 7)
    (done,) = delivery_to(tmp_path / "cut", MESSAGES).send()
    assert done.state == "delivered"
    written = (tmp_path / "cut/openlineage/events.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in written] == [message.id for message in MESSAGES]


def test_senders_in_many_processes_that_die_and_start_again(tmp_path: Path) -> None:
    """Eight processes send at once, six of them are killed on the way; never do two send at the same time."""
    with Sink() as sink:
        here, there = PROCESSES.Pipe(duplex=False)
        processes = [
            PROCESSES.Process(
                target=send,
                args=(tmp_path, [sink.url], 150 + 90 * number if number < 6 else None, False, there),
            )
            for number in range(8)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(60)
        (done,) = delivery_to(tmp_path, MESSAGES, sink.url).send()
    here.close()
    assert done.state == "delivered"
    require_each_once_in_order(sink.stored, MESSAGES)
    assert len(sink.stored) <= len(MESSAGES) + 8
