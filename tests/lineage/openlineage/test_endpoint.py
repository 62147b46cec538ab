"""The endpoint takes what was really kept, says which it did not, and lets nobody in without being told to."""

import gzip
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from starlette.applications import Starlette

from recsys_lineage.errors import InsufficientSpace, WrongQuestion
from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.intake.app import PATHS, intake_app, require_token
from recsys_lineage.openlineage.intake.imports import Imports
from tests.lineage.openlineage.marquez import running_app
from tests.lineage.openlineage.written import night
from tests.lineage.records.record_writers import ENGINE

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def imports(tmp_path: Path) -> Imports:
    return Imports(Lake(str(tmp_path / "lake"), ENGINE))


@pytest.fixture
def url(imports: Imports) -> Iterator[str]:
    with running_app(intake_app(imports, most_bytes=200_000)) as url:
        yield url


def _post(url: str, body: object, path: str = PATHS[0], **headers: str) -> requests.Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return requests.post(url + path, data=data, headers={**JSON, **headers}, timeout=300)


def test_one_event_is_kept_before_it_is_answered(url: str, imports: Imports) -> None:
    first, second = night()[:2]
    assert _post(url, first).status_code == 201
    assert [each.event for each in imports.read()] == [first]
    assert _post(url, second).status_code == 201
    assert _post(url, first).status_code == 201, "said again it is no fault"
    assert imports.count() == 2


@pytest.mark.parametrize("path", PATHS)
def test_of_a_list_each_is_kept_or_named(path: str, url: str, imports: Imports) -> None:
    events = night()
    answer = _post(url, [events[0], {"eventType": "START"}, 7, events[1]], path)
    assert answer.status_code == 200
    told = answer.json()
    assert told["status"] == "partial_success"
    assert {name: told["summary"][name] for name in ("received", "successful", "failed")} == {
        "received": 4, "successful": 2, "failed": 2,
    }  # fmt: skip
    assert [(each["index"], each["retriable"]) for each in told["failed_events"]] == [(1, False), (2, False)]
    assert all(each["reason"] for each in told["failed_events"])
    assert [each.event for each in imports.read()] == events[:2]
    assert _post(url, events, path).json()["status"] == "success"


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b'{"eventType": "START", "run": {"ru', 400, "cut off"),
        (json.dumps(night()).encode()[:-40], 400, "cut off"),
        (b'{"a": ' * 10_000 + b"1" + b"}" * 10_000, 400, "too deeply"),
        (b"[" * 10_000, 400, "too deeply"),
        (b'{"job": "' + b"x" * 300_000 + b'"}', 413, "larger than"),
        (b"", 400, "no JSON"),
        (b"\xff", 400, "UTF-8"),
        (b'{"eventType": "START"}', 400, "no job or dataset"),
        (b'[{"eventType": "START"}]', 400, None),
    ],
)
def test_what_cannot_be_kept_is_refused_as_a_whole(
    body: bytes, status: int, reason: str | None, url: str, imports: Imports
) -> None:
    answer = _post(url, body)
    assert answer.status_code == status
    assert reason is None or reason in answer.json()["error"]
    assert imports.count() == 0
    assert _post(url, night()[0]).status_code == 201, "the next one is taken"


def test_packed_bodies_are_unpacked_and_bombs_are_not(url: str, imports: Imports) -> None:
    packed = gzip.compress(json.dumps(night()).encode())
    gz = {"Content-Encoding": "gzip"}
    assert _post(url, packed, **gz).json()["summary"]["successful"] == len(night())
    assert _post(url, gzip.compress(b" " * 10**8), **gz).status_code == 413
    assert _post(url, packed[:-9], **gz).status_code == 400
    assert _post(url, b"no gzip", **gz).status_code == 400
    assert _post(url, packed, **{"Content-Encoding": "br"}).status_code == 415
    assert imports.count() == len(night())


def test_a_page_in_a_browser_cannot_send_events_to_this_machine(url: str, imports: Imports) -> None:
    simple = requests.post(
        url + PATHS[0], json.dumps(night()[0]), headers={"Content-Type": "text/plain"}, timeout=9
    )
    rebound = _post(url, night()[0], Host="evil.example.org")
    asked_before = requests.options(
        url + PATHS[0],
        headers={"Origin": "https://evil.example.org", "Access-Control-Request-Method": "POST"},
        timeout=300,
    )
    assert (simple.status_code, rebound.status_code) == (415, 400)
    assert "access-control-allow-origin" not in asked_before.headers
    assert imports.count() == 0


def test_with_a_token_only_who_knows_it_sends(imports: Imports) -> None:
    with running_app(intake_app(imports, token="open-sesame")) as url:
        for given in ({}, {"Authorization": "Bearer open"}, {"Authorization": "open-sesame"}):
            answer = _post(url, night()[0], **given)
            assert answer.status_code == 401
            assert "open-sesame" not in answer.text
        assert imports.count() == 0
        allowed = _post(url, night()[0], Authorization="Bearer open-sesame", Host="lineage.example.org")
        assert allowed.status_code == 201


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "lineage.example.org"])
def test_the_network_is_let_in_with_a_token_alone(host: str) -> None:
    with pytest.raises(WrongQuestion, match="OPENLINEAGE_INTAKE_TOKEN"):
        require_token(host, None)
    require_token(host, "open-sesame")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "localhost", "127.1.2.3"])
def test_this_machine_needs_none(host: str) -> None:
    require_token(host, None)


def test_a_full_disk_is_told_so_that_the_sender_comes_again(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(events: object) -> int:
        raise InsufficientSpace("The lake's disk is full.")

    with running_app(intake_app(imports)) as url:
        with monkeypatch.context() as patched:
            patched.setattr(imports, "add", full)
            answer = _post(url, night()[0])
            assert (answer.status_code, "disk is full" in answer.text) == (503, True)
        assert _post(url, night()[0]).status_code == 201


def test_senders_at_once_lose_nothing(url: str, imports: Imports) -> None:
    events = [night(number) for number in range(4)]
    threads = [threading.Thread(target=_post, args=(url, each)) for each in events]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert imports.count() == sum(map(len, events))


def test_it_is_an_application_of_its_own(imports: Imports) -> None:
    assert isinstance(intake_app(imports), Starlette)


@pytest.mark.slow
def test_the_command_serves_until_it_is_stopped(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), ENGINE)
    Imports(lake).add([])
    from tests.lineage.graph.shop import Shop

    shop = Shop(tmp_path)
    shop.make("raw_orders")
    command = [
        sys.executable,
        "-c",
        "from recsys_lineage.cli import main; main()",
        "--lake",
        str(tmp_path / "lake"),
    ]
    environment = {**os.environ, "OPENLINEAGE_SPEC": "http://127.0.0.1:9", "XDG_CACHE_HOME": str(tmp_path)}
    running = subprocess.Popen(
        [*command, "openlineage", "serve", "--port", "0"], stderr=subprocess.PIPE, text=True,
        env={**environment, "OPENLINEAGE_SPEC": ""},
    )  # fmt: skip
    try:
        assert running.stderr is not None
        url = next(
            found[0] for line in running.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line))
        )
        assert _post(url, night()).json()["status"] == "success"
    finally:
        running.terminate()
        running.wait(30)
    assert Imports(Lake(str(tmp_path / "lake"), ENGINE)).count() == len(night())
