"""Who may ask, how much and how often, and what nobody learns from logs and figures."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from recsys_assets.cli.commands import app
from recsys_assets.service.web import access_middleware
from recsys_assets.service.web.access_middleware import DEEPEST_BODY, HEADERS, _is_deep
from recsys_assets.service.web.tokens import TokenError, Tokens
from tests.service.running import PATIENCE, Command, Customer, served, until
from tests.service.test_answers import event

ROUTES = {
    "read": ("/recommendations/customer-1", "/items/item-1/similar", "/version", "/openapi.json"),
    "admin": ("/metrics", "/status", "/preview/customer-1"),
}


def test_elsewhere_every_route_needs_a_token_of_its_scope(home: Path) -> None:
    tokens = Tokens(home / "service" / "tokens.json")
    secrets = {scope: tokens.add(scope, [scope]) for scope in ("read", "events", "admin")}
    with served(home, open_to_all=False) as (nobody, _):
        for path in ("/health", "/ready"):
            assert nobody.ask("GET", path).status == 200
        assert "problems" not in nobody.ready()
        may: dict[str, set[str]] = {scope: set() for scope in secrets}
        paths = [*ROUTES["read"], *ROUTES["admin"]]
        for scope, secret in secrets.items():
            customer = Customer(nobody.port, secret)
            for path in paths:
                status = customer.ask("GET", path).status
                assert status in (200, 403)
                if status == 200:
                    may[scope].add(path)
            if customer.tell(event("view", "item-1", user="u")).status == 200:
                may[scope].add("/events")
        assert may == {
            "read": set(ROUTES["read"]),
            "events": {"/events"},
            "admin": {*ROUTES["read"], *ROUTES["admin"], "/events"},
        }
        for stranger in (nobody, Customer(nobody.port, "recsys_guessed")):
            for path in [*paths, "/nothing"]:
                answer = stranger.ask("GET", path)
                assert answer.status == 401 and answer.headers["www-authenticate"] == "Bearer"
        tokens.remove("read")
        taken = Customer(nobody.port, secrets["read"])
        until(lambda: taken.ask("GET", "/version").status == 401, "the token is refused")


@pytest.mark.parametrize("how", ["damaged", "a folder", "open to all"])
def test_tokens_that_cannot_be_read_are_told_and_looked_for_again(
    home: Path, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """Else who takes a token back would not learn that it still opens."""
    tokens = Tokens(home / "service" / "tokens.json")
    secret = tokens.add("reader", ["read"])
    whole = (home / "service" / "tokens.json").read_bytes()
    with served(home, open_to_all=False) as (nobody, _):
        reader = Customer(nobody.port, secret)
        path = home / "service" / "tokens.json"
        if how == "damaged":
            path.write_bytes(whole[:-9])
        elif how == "open to all":
            path.chmod(0o666)
        else:  # at once, for without the file nobody has a token
            (home / "folder").mkdir()
            (home / "link").symlink_to(home / "folder")
            (home / "link").replace(path)
        until(lambda: "the previous tokens stay in force" in caplog.text, "it is told")
        assert reader.ask("GET", "/version").status == 200
        assert secret not in caplog.text
        (home / "none").write_bytes(b"[]")
        (home / "none").chmod(0o600)
        (home / "none").replace(path)
        until(lambda: reader.ask("GET", "/version").status == 401, "the token is refused")


def test_tokens_are_kept_as_hashes_that_nobody_else_can_read(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_HOME", str(home))
    done = CliRunner().invoke(app, ["token", "add", "shop", "--scope", "read", "--json"])
    secret = json.loads(done.stdout)["token"]
    path = home / "service" / "tokens.json"
    assert len(secret) > 40 and secret not in path.read_text() and path.stat().st_mode & 0o077 == 0
    assert "shop: read" in CliRunner().invoke(app, ["token", "list"]).stdout
    with pytest.raises(TokenError, match="Did you mean 'events'"):
        Tokens(path).add("other", ["event"])
    assert CliRunner().invoke(app, ["token", "add", "shop", "--scope", "read"]).exit_code == 1
    assert CliRunner().invoke(app, ["token", "remove", "shop"]).exit_code == 0
    assert Tokens(path).all() == []
    path.chmod(0o666)
    with pytest.raises(TokenError, match="Others may write to the file of tokens"):
        Tokens(path).all()


def test_other_addresses_are_not_served_without_a_token(home: Path) -> None:
    said = Command(home, RECSYS_SERVICE_HOST="0.0.0.0").said
    assert "there is no token yet" in said and "recsys token add" in said and "Traceback" not in said


def test_a_token_that_asks_too_often_is_asked_to_wait(home: Path) -> None:
    tokens = Tokens(home / "service" / "tokens.json")
    often, seldom = tokens.add("often", ["read"]), tokens.add("seldom", ["read"])
    with served(home, open_to_all=False, rate_limit=20) as (nobody, _):
        customer = Customer(nobody.port, often)
        answers = [customer.ask("GET", "/version") for _ in range(200)]
        refused = [each for each in answers if each.status == 429]
        assert refused and refused[0].headers["retry-after"] == "1"
        assert sum(each.status == 200 for each in answers) >= 20
        assert Customer(nobody.port, seldom).ask("GET", "/version").status == 200


def test_overload_is_answered_with_429_and_passes(home: Path) -> None:
    with served(home) as (customer, service):
        service.app.access.most = 2
        statuses: list[int] = []

        def ask() -> None:
            own = Customer(customer.port)
            statuses.extend(own.list_of("customer-1").status for _ in range(20))

        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(statuses) == {200, 429}
        assert customer.list_of("customer-1").status == 200


def test_pages_of_elsewhere_and_proxies_do_not_reach_it_without_a_token(customer: Customer) -> None:
    path = "/recommendations/customer-1"
    assert customer.ask("GET", path, headers={"Host": "localhost:1234"}).status == 200
    assert customer.ask("GET", path, headers={"Host": "evil.example"}).status == 421
    assert customer.ask("GET", path, headers={"X-Forwarded-For": "203.0.113.9"}).status == 401
    for headers, status in (
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}, 200),
        ({"Origin": f"http://127.0.0.1:{customer.port}", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
    ):
        assert customer.ask("GET", path, headers=headers).status == status, headers
    answer = customer.ask("GET", "/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
    assert answer.status == 200, "a link to the page may be followed"
    answer = customer.ask("OPTIONS", path, headers={"Origin": "https://evil.example"})
    assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize(
    "path", ["/health", "/recommendations/customer-1", "/nothing", "/recommendations/u?k=0"]
)
def test_every_answer_has_the_headers(kept_customer: Customer, path: str) -> None:
    headers = kept_customer.ask("GET", path).headers
    assert all(headers[name.decode()] == value.decode() for name, value in HEADERS)
    assert "server" not in headers


def test_no_customer_stands_in_logs_and_figures(home: Path) -> None:
    name = "Zebulon Xanthippe"
    service = Command(home)
    customer = Customer(service.port)
    assert customer.list_of(name).status == 200
    assert customer.list_of(name, k=0).status == 422
    assert customer.tell(event("view", "item-1", user=name)).status == 200
    assert customer.tell(event("view", "item-1", user=name, arm=name)).status == 422
    assert "Zebulon" not in customer.figures() and "item-1" not in customer.figures()
    assert "Zebulon" not in service.end()


def test_a_body_that_never_comes_is_not_waited_for(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_middleware, "BODY_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", customer.port)) as slow:
        slow.sendall(b"POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{")
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_stops_half_way_harms_nobody(customer: Customer) -> None:
    with socket.create_connection(("127.0.0.1", customer.port)) as half:
        half.sendall(b"POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{")
    assert customer.list_of("customer-1").status == 200


JSON = st.recursive(st.text() | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=20)


def depth_of(value: object) -> int:
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(JSON, st.integers(0, 12))
def test_depth_is_that_of_the_values(value: object, more: int) -> None:
    for _ in range(more):
        value = [value]
    assert _is_deep(json.dumps(value).encode()) == (depth_of(value) > DEEPEST_BODY)


@pytest.mark.parametrize(
    "path", ["/recommendations/%ff", "/search?q=%C3%28", "/recommendations/u?exclude=%ED%A0%80"]
)
def test_an_address_that_is_no_text_is_refused_and_one_of_any_letters_is_not(
    kept_customer: Customer, path: str
) -> None:
    """Else all ids that are no text would be one customer."""
    answer = kept_customer.ask("GET", path)
    assert answer.status == 422 and "UTF-8" in answer.json["detail"]
    assert kept_customer.ask("GET", "/recommendations/%C3%A4%20%2525+%E2%82%AC?k=1").status == 200


@pytest.mark.parametrize(
    "sent",
    [b"GET /search?q=" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\r\n\r\n"],
)
def test_what_is_no_request_is_told_as_a_problem_too(kept_customer: Customer, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", kept_customer.port), timeout=30) as connection:
        connection.sendall(sent)
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400") and b"application/problem+json" in head
    assert json.loads(body)["status"] == 400 and "65,535 bytes" in json.loads(body)["detail"]
    assert kept_customer.list_of("customer-1").status == 200


@pytest.mark.parametrize(
    ("item", "where"),
    [
        (17, "body.items.0.id"),
        (None, "body.items.0.id"),
        ({"item": "a", "behaviour": "stolen"}, "body.items.0.item.behaviour"),
        ({"itme": "a"}, "body.items.0.item.item"),
    ],
)
def test_a_wrong_item_of_a_session_is_told_once(kept_customer: Customer, item: object, where: str) -> None:
    errors = kept_customer.session(items=[item]).json["errors"]
    assert errors[0]["where"] == where
    assert len({error["where"].split(".")[3] for error in errors}) == 1, "of the form that it has"


@pytest.mark.parametrize(
    "headers",
    [
        (("Host", "localhost"), ("Host", "shop.example")),
        (("Host", "localhost"), ("Authorization", "Bearer one"), ("Authorization", "Bearer two")),
    ],
)
def test_a_request_that_names_two_hosts_or_two_tokens_is_refused(
    customer: Customer, headers: tuple[tuple[str, str], ...]
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", customer.port, timeout=PATIENCE)
    connection.putrequest("GET", "/health", skip_host=True)
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 400 and f"two headers {headers[-1][0]}".encode() in answer.read()
    connection.close()
