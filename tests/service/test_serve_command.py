"""`recsys serve` as somebody types it: it says where it listens, or what is in the way."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

from tests.service.running import Command, Customer, until


def test_it_says_where_it_listens_and_stops_on_a_signal(home: Path) -> None:
    service = Command(home)
    assert "champion@0 (item_neighbours) serves" in service.said
    assert Customer(service.port).list_of("customer-1").status == 200
    rest = service.end()
    assert service.process.returncode == 0 and "Traceback" not in rest and "leaked" not in rest


def test_a_port_in_use_is_told(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = Command(home, RECSYS_SERVICE_PORT=str(port)).said
    assert f"cannot listen on 127.0.0.1:{port}" in said and f"--port {port + 1}" in said
    assert "Traceback" not in said


def test_without_a_champion_it_waits_and_takes_the_first_one_up(original_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    service = Command(home)
    customer = Customer(service.port)
    assert "There is no champion yet" in service.said
    answer = customer.list_of("customer-1")
    assert answer.status == 503 and "recsys demo" in answer.json["detail"]
    assert customer.ask("GET", "/ready").status == 503 and customer.ask("GET", "/health").status == 200
    shutil.copytree(original_home / "lake", home / "lake", dirs_exist_ok=True)
    until(lambda: customer.list_of("customer-1").status == 200, "the first champion answers")
    service.end()


def test_rules_that_cannot_be_used_are_told_at_the_start(home: Path) -> None:
    (home / "rules.toml").write_text("\n[explorationn]\nshare = 0.1\n")
    said = Command(home).said
    assert "rules.toml:2" in said and "Did you mean 'exploration'" in said and "Traceback" not in said
