"""Several workers answer as one service: each knows what the others were told, and one that dies is no loss."""

from __future__ import annotations

import errno
import multiprocessing
import os
import re
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from random import Random

import psutil
import pytest
import uvicorn

from recsys_assets.service.feedback import log_file, log_reader
from recsys_assets.service.feedback.feedback_log import held_alone
from recsys_assets.service.feedback.log_reader import read_log
from recsys_assets.service.opened_service import Service
from recsys_assets.service.processes.watched_process import WatchedProcess
from recsys_assets.service.processes.worker_team import WorkerTeam, team_folder
from tests.service.running import PATIENCE, Command, Customer, served, until
from tests.service.small_shop import ITEMS, train
from tests.service.test_answers import event
from tests.service.test_feedback_assets import made

Worker = tuple[Customer, Service]


@pytest.fixture
def team(home: Path, tmp_path: Path) -> Iterator[WorkerTeam]:
    """As a supervisor has it."""
    (tmp_path / "team").mkdir()
    with held_alone(home / "feedback"):
        yield WorkerTeam(tmp_path / "team", datetime.now(timezone.utc), 2, True)


@pytest.fixture
def two(home: Path, team: WorkerTeam) -> Iterator[tuple[Worker, Worker]]:
    """Two workers of one service, in threads of this process."""
    with served(home, team=team) as one, served(home, team=team) as other:
        yield one, other


def test_whichever_worker_is_told_each_gives_the_same_next_answer(two: tuple[Worker, Worker]) -> None:
    customers, chance = [each[0] for each in two], Random(3)
    for step in range(40):
        user = f"customer-{chance.randrange(3)}"
        action = chance.choice(["view", "cart", "purchase"])
        done = event(action, f"item-{chance.randrange(ITEMS)}", user=user)
        assert customers[chance.randrange(2)].tell(done).json["accepted"] == 1
        lists = [each.list_of(user, k=10, explain=True).json for each in customers]
        assert lists[0]["items"] == lists[1]["items"], step
        assert lists[0]["explanation"] == lists[1]["explanation"]


def test_a_worker_that_starts_later_knows_what_was_shown_and_done(home: Path, team: WorkerTeam) -> None:
    with served(home, team=team) as (early, _):
        answer = early.list_of("customer-1").json
        early.tell(
            event("purchase", answer["items"][0]["item"], user="customer-1", query_id=answer["query_id"])
        )
        with served(home, team=team) as (late, _):
            assert late.list_of("customer-1", k=10).items == early.list_of("customer-1", k=10).items
            arms = [each.ask("GET", "/status").json["arms"] for each in (early, late)]
            assert arms[0] == arms[1]
            assert (arms[0][0]["answers"], arms[0][0]["click_rate"]) == (3, 1 / 3)


def test_whichever_worker_is_asked_the_status_counts_the_requests_of_all(two: tuple[Worker, Worker]) -> None:
    (one, _), (other, _) = two
    for user in range(3):
        one.list_of(f"customer-{user}")
    other.list_of("customer-1")
    other.list_of("customer-1", k=0)
    for asked in (one, other):

        def all_counted(asked: Customer = asked) -> bool:
            told = asked.ask("GET", "/status").json
            return told["latency_ms"]["answers"] == 4 and "422" in told["statuses"]

        until(all_counted, "the other's requests are told")
        told = asked.ask("GET", "/status").json
        assert sum(minute["answers"] for minute in told["minutes"]) == 4
        assert sum(minute["refused"] for minute in told["minutes"]) == told["statuses"]["422"] == 1


def test_an_event_told_to_two_workers_counts_once(two: tuple[Worker, Worker]) -> None:
    (one, _), (other, _) = two
    bought = event("purchase", "item-5", user="new here")
    assert one.tell(bought).json["accepted"] == 1
    assert other.tell(bought).json == {"accepted": 0, "duplicates": 1, "unknown_items": []}
    assert counted(one) == counted(other) == 1


@pytest.mark.slow
def test_an_event_that_two_workers_write_at_once_counts_once(
    home: Path, team: WorkerTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(home, team=team) as (one, _), served(home, team=team) as (other, _):
        bought = event("purchase", "item-5", user="new here")
        both, write, met = threading.Barrier(2), os.pwrite, set[int]()

        def write_together(descriptor: int, content: bytes, at: int) -> int:
            if threading.get_ident() not in met:
                met.add(threading.get_ident())
                both.wait(PATIENCE)  # here each is about to write, and neither has
            return write(descriptor, content, at)

        monkeypatch.setattr(log_file.os, "pwrite", write_together)
        heard: list[int] = []
        threads = [
            threading.Thread(target=lambda each=each: heard.append(each.tell(bought).json["accepted"]))
            for each in (one, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert heard == [1, 1], "each wrote it down"
        assert counted(one) == counted(other) == 1
    assert len(list(read_log(home / "feedback", "events"))) == 2
    feedback = made(home)["feedback"].record
    assert feedback.rows == 1 and feedback.statistics["duplicates"] == 1


def test_an_event_that_one_worker_could_not_write_counts_where_another_could(
    two: tuple[Worker, Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    (one, _), (other, _) = two
    bought = event("purchase", "item-5", user="new here")
    with monkeypatch.context() as full:
        full.setattr(log_file.os, "pwrite", _no_space)
        assert one.tell(bought).status == 503
    assert other.tell(bought).status == 200
    assert one.tell(bought).json["accepted"] == 0
    assert counted(one) == counted(other) == 1


def counted(customer: Customer) -> int:
    """How many events of a customer who was not there before count."""
    return customer.list_of("new here", explain=True).json["explanation"]["since_the_fit"]


def test_what_another_worker_wrote_counts_as_soon_as_it_can_be_read(
    two: tuple[Worker, Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    (one, _), (other, _) = two
    one.tell(event("purchase", "item-5", user="new here"))
    with monkeypatch.context() as many:
        many.setattr(log_reader.os, "listdir", _too_many_files)
        refused = other.list_of("new here")
    assert refused.status == 503 and "Too many open files" in refused.json["detail"]
    assert counted(other) == 1


def test_a_click_counts_for_the_list_of_another_worker(two: tuple[Worker, Worker]) -> None:
    (one, _), (other, _) = two
    answer = one.list_of("customer-1").json
    other.list_of("customer-2")
    other.tell(event("view", answer["items"][0]["item"], user="customer-1", query_id=answer["query_id"]))
    for customer in (one, other):
        (arm,) = customer.ask("GET", "/status").json["arms"]
        assert (arm["answers"], arm["click_rate"]) == (2, 0.5)
        assert 'recsys_click_rate{arm="control"} 0.5' in customer.figures()


def workers_of(service: Command) -> set[int]:
    """The numbers of its workers that live."""
    found: set[int] = set()
    for each in psutil.Process(service.process.pid).children():
        with suppress(psutil.Error):
            if "spawn_main" in " ".join(each.cmdline()):
                found.add(each.pid)
    return found


def by_worker(service: Command, n: int = 2) -> dict[int, Customer]:
    """A connection to each worker, by its number."""
    found: dict[int, Customer] = {}

    def met() -> bool:
        customer = Customer(service.port)
        with suppress(OSError):  # they are still loading, on a busy machine
            found[customer.ask("GET", "/status").json["process"]] = (
                customer  # the newest: idle ones are closed
            )
        return len(found) == n

    until(met, f"{n} workers answer")
    return found


@contextmanager
def ended(service: Command) -> Iterator[Command]:
    """A command that is no more afterwards, whatever happens."""
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.end(signal.SIGKILL)


def figure(customer: Customer, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", customer.figures(), re.MULTILINE)
    assert found is not None, customer.figures()
    return float(found[1])


@pytest.mark.slow
def test_the_command_answers_with_several_workers_until_it_is_stopped(home: Path) -> None:
    with ended(Command(home, "--workers", "2")) as service:
        customers = by_worker(service)
        assert set(customers) == workers_of(service)
        one, other = customers.values()
        lists = 'recsys_requests_total{route="/recommendations/{user}",status="200"}'
        for customer in (one, one, other):
            customer.list_of("customer-1")
        until(lambda: figure(one, lists) == figure(other, lists) == 3, "each tells of all")
        one.tell(event("purchase", "item-5", user="new here"))
        assert counted(other) == 1
        for pid in customers:
            assert figure(one, f'process_resident_memory_bytes{{pid="{pid}"}}') < 1e9

        train(home, "popularity", 1)
        for customer in by_worker(service).values():
            until(lambda customer=customer: customer.ready()["model_version"] == 1, "each takes it over")
        until(
            lambda: figure(Customer(service.port), "recsys_swaps_total") == 4,
            "one swap each, after the first",
        )

        killed, left = customers
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(workers_of(service) - {killed}) == 2, "a worker is started again")
        fresh = by_worker(service)
        assert left in fresh and killed not in fresh
        for customer in fresh.values():
            assert counted(customer) == 1
            assert figure(customer, lists) >= 4, "what the killed one answered is in the sum"
            assert figure(customer, "recsys_waiting") == 1, "what it was doing is not"

        members = workers_of(service)
        said = service.end()
        assert service.process.returncode == 0 and "Traceback" not in said and "leaked" not in said
        assert not any(map(psutil.pid_exists, members))


@pytest.mark.slow
def test_workers_end_with_a_supervisor_that_is_killed(home: Path) -> None:
    with ended(Command(home, "--workers", "2")) as service:
        members = set(by_worker(service))
        service.end(signal.SIGKILL)
        until(lambda: not any(map(psutil.pid_exists, members)), "they end too")
        with served(home) as (customer, _):
            assert customer.list_of("customer-1").status == 200


@pytest.mark.slow
def test_a_supervisor_that_cannot_start_a_worker_again_leaves_none_behind(home: Path, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    with ended(Command(home, "--workers", "2", cwd=tmp_path / "here")) as service:
        killed, left = by_worker(service)
        (tmp_path / "here").rmdir()  # without a working folder Python starts no process
        os.kill(killed, signal.SIGKILL)
        service.process.wait(PATIENCE)
        assert service.process.returncode != 0 and not psutil.pid_exists(left)


@pytest.mark.slow
def test_a_worker_that_cannot_start_is_told_once(home: Path) -> None:
    (home / "service").mkdir(exist_ok=True)
    (home / "service" / "tokens.json").write_text("{")
    with ended(Command(home, "--workers", "2", RECSYS_SERVICE_HOST="0.0.0.0")) as service:
        service.process.wait(PATIENCE)
        assert service.process.returncode != 0 and service.said.count("tokens.json") == 1


def test_rules_with_a_typo_are_told_before_a_worker_starts(home: Path) -> None:
    (home / "rules.toml").write_text("\n[explorationn]\nshare = 0.1\n")
    with ended(Command(home, "--workers", "2")) as service:
        said = service.said + service.process.communicate(timeout=PATIENCE)[0]
        assert said.count("rules.toml:2") == 1 and "Traceback" not in said


def _too_many_files(*_: object) -> None:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def _no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_worker_that_dies_while_its_supervisor_waits_for_its_word_is_known_to_be_dead() -> None:
    worker = WatchedProcess(uvicorn.Config("nobody:app"), [])
    worker.process = multiprocessing.get_context("spawn").Process(
        target=time.sleep, args=(600,)
    )  # says nothing
    worker.start()
    found: list[bool] = []
    waiting = threading.Thread(target=lambda: found.append(worker.is_alive(timeout=600)), daemon=True)
    waiting.start()
    until(worker.child_conn.poll, "it is asked")
    worker.process.kill()
    waiting.join(60)
    worker.process.join()
    assert found == [False]


def test_what_a_killed_service_left_behind_is_deleted_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead, orphaned, begun = (tmp_path / f"recsys-serve-{name}" for name in ("dead", "orphaned", "begun"))
    for folder in (dead, orphaned, begun):
        folder.mkdir()
    for folder in (dead, orphaned):
        (folder / "lock").touch()
    (orphaned / f"counter_{os.getpid()}.db").touch()  # a worker that still answers
    (tmp_path / "recsys-serve-elsewhere").symlink_to(begun)
    with team_folder() as first:
        assert not dead.exists() and orphaned.exists() and begun.exists()
        with team_folder() as second:
            assert first.exists() and second.exists()
        assert not second.exists()
    assert not first.exists()
