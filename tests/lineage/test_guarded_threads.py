"""Work that an asset's code hands to other threads, or to processes that were there before, is guarded like it."""

from __future__ import annotations

import _thread
import asyncio
import contextvars
import functools
import multiprocessing
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from recsys_lineage.assets.reading.guarded_code import guarded
from recsys_lineage.errors import UnnotedFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that nobody declared."""
    path = tmp_path / "prices.csv"
    path.write_text("id\n1\n")
    return path


class Before:
    """Threads that there are before anything is guarded."""

    def __init__(self) -> None:
        self.executor, self.pool = ThreadPoolExecutor(2), ThreadPool(2)
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.context = contextvars.copy_context()
        self.executor.submit(int).result()

    def close(self) -> None:
        self.executor.shutdown()
        self.pool.terminate()
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture(scope="module")
def before() -> Iterator[Before]:
    """Threads that there are before anything is guarded."""
    before = Before()
    yield before
    before.close()


def _answer(start: Callable[[Callable[[], None]], object], work: Callable[[], object]) -> object:
    """What becomes of work that some thread does for whoever waits."""
    future: Future[object] = Future()

    def done() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    start(done)
    return future.result(10)


async def _read(path: Path) -> str:
    return path.read_text()


async def _read_in_thread(path: Path) -> str:
    return await asyncio.to_thread(path.read_text)


def _made_elsewhere(before: Before, path: Path) -> list[str]:
    return list(before.pool.imap(str, (each.read_text() for each in [path])))


def _called_back(before: Before, path: Path) -> object:
    waits = threading.Event()
    first = before.executor.submit(waits.wait)
    return _answer(lambda done: (first.add_done_callback(lambda _: done()), waits.set()), path.read_text)


WAYS: dict[str, Callable[[Before, Path], object]] = {
    "submit": lambda b, path: b.executor.submit(path.read_text).result(),
    "map": lambda b, path: list(b.executor.map(Path.read_text, [path])),
    "callback": _called_back,
    "pool.apply": lambda b, path: b.pool.apply(path.read_text),
    "pool.apply_async": lambda b, path: b.pool.apply_async(func=path.read_text).get(),
    "pool.map": lambda b, path: b.pool.map(Path.read_text, [path]),
    "pool.starmap": lambda b, path: b.pool.starmap(Path.read_text, [(path,)]),
    "pool.imap": lambda b, path: list(b.pool.imap(Path.read_text, [path])),
    "pool.imap_unordered": lambda b, path: list(b.pool.imap_unordered(Path.read_text, [path])),
    "what a pool takes": _made_elsewhere,
    "loop": lambda b, path: asyncio.run_coroutine_threadsafe(_read(path), b.loop).result(),
    "call_soon": lambda b, path: _answer(b.loop.call_soon_threadsafe, path.read_text),
    "to_thread": lambda b, path: asyncio.run_coroutine_threadsafe(_read_in_thread(path), b.loop).result(),
    "asyncio.run": lambda b, path: asyncio.run(_read_in_thread(path)),
    "timer": lambda b, path: _answer(lambda done: threading.Timer(0, done).start(), path.read_text),
    "_thread": lambda b, path: _answer(lambda done: _thread.start_new_thread(done, ()), path.read_text),
    "a context of before": lambda b, path: b.context.run(path.read_text),
}


@pytest.mark.parametrize("way", WAYS)
def test_other_threads_read_nothing_for_the_code(before: Before, path: Path, way: str) -> None:
    def code() -> None:
        WAYS[way](before, path)

    code()  # so that there are threads
    with pytest.raises(UnnotedFile) as raised, guarded("prices"):
        code()
    assert raised.value.found == str(path) and "prices" in raised.value.message
    code()


def test_what_is_allowed_to_the_code_is_allowed_to_them(before: Before, path: Path) -> None:
    with guarded("prices", [path]):
        for way in WAYS.values():
            way(before, path)


def test_work_of_others_in_the_same_threads_is_free_meanwhile(before: Before, path: Path) -> None:
    read = []

    def other() -> None:
        read.append(before.executor.submit(path.read_text).result())
        read.append(asyncio.run_coroutine_threadsafe(_read(path), before.loop).result())

    thread, go = None, threading.Event()
    thread = threading.Thread(target=lambda: (go.wait(), other()))
    thread.start()
    with guarded("prices"):
        before.executor.submit(int).result()
        go.set()
        thread.join()
    assert read == ["id\n1\n"] * 2


def test_two_assets_at_once_have_each_their_own_guard(before: Before, tmp_path: Path) -> None:
    both = threading.Barrier(2)

    def run(name: str) -> str:
        own, others = (tmp_path / each for each in ((name, "b") if name == "a" else (name, "a")))
        own.write_text(name)
        both.wait()
        with guarded(name, [own]):
            both.wait()
            assert before.pool.apply(own.read_text) == name
            with pytest.raises(UnnotedFile, match=f"The code of {name} "):
                before.pool.apply(others.read_text)
            both.wait()
        return name

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, "ab")) == ["a", "b"]


def _column(path: Path, **options: Any) -> pl.DataFrame:
    def read(value: int) -> int:
        path.read_text()
        return value

    frame = pl.LazyFrame({"i": range(10)})
    return frame.with_columns(pl.col("i").map_elements(read, return_dtype=pl.Int64)).collect(**options)


def _statement(path: Path) -> object:
    connection = duckdb.connect()
    connection.create_function("read", lambda i: (path.read_text(), i)[1], ["BIGINT"], "BIGINT")
    return connection.sql("SELECT sum(read(i)) FROM range(10) AS t(i)").fetchall()


NATIVE: dict[str, Callable[[Path], object]] = {
    "Polars": _column,
    "Polars, streaming": functools.partial(_column, engine="streaming"),
    "DuckDB": _statement,
}


@pytest.mark.parametrize("how", NATIVE)
def test_threads_of_libraries_read_nothing_for_the_code_either(path: Path, how: str) -> None:
    with pytest.raises(UnnotedFile) as raised, guarded("prices"):
        NATIVE[how](path)
    assert raised.value.found == str(path)
    assert raised.value.where is not None and raised.value.where.startswith(f"{__file__}:")
    with guarded("prices", [path]):
        NATIVE[how](path)
    NATIVE[how](path)


def _loop_of(queue_: Any) -> threading.Thread:
    thread = threading.Thread(target=lambda: [work() for work in iter(queue_.get, None)], daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("kind", [queue.Queue, queue.SimpleQueue, queue.LifoQueue])
def test_a_queue_to_a_thread_of_before_is_not_held(kind: Callable[[], Any]) -> None:
    works = kind()
    thread = _loop_of(works)

    def by_queue() -> None:
        works.put(int)

    def by_thread() -> None:
        thread.join(0)

    for code in (by_queue, by_thread):
        with pytest.raises(UnnotedFile, match="began before it ran") as raised, guarded("prices", code=code):
            pass
        assert raised.value.where is not None and raised.value.where.startswith(f"{__file__}:")
    works.put(None)
    thread.join()


def test_a_queue_of_its_own_is_the_codes() -> None:
    def code() -> int:
        works: queue.Queue[Any] = queue.Queue()
        thread = _loop_of(works)
        works.put(int)
        works.put(None)
        thread.join()
        return 1

    with guarded("prices", code=code):
        assert code() == 1


def test_a_pool_of_processes_of_before_does_nothing_for_the_code_and_its_own_is_guarded(path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, fork) as executor, fork.Pool(1) as pool:
        executor.submit(int).result()
        for hand in (lambda: executor.submit(path.read_text).result(), lambda: pool.apply(path.read_text)):
            with pytest.raises(UnnotedFile, match="started a process"), guarded("prices"):
                hand()
            assert hand() == "id\n1\n"
    with guarded("prices"), ProcessPoolExecutor(1, fork) as executor:
        assert executor.submit(abs, -1).result() == 1
        with pytest.raises(UnnotedFile):
            executor.submit(path.read_text).result()
