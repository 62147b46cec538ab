"""An address that is read by one validator is understood, refused and described as FastAPI does it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote_plus

import pytest
from fastapi import FastAPI, Query, Request, Response
from fastapi import Path as InPath
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from recsys_assets.service.web.address_route import AddressRoute
from recsys_assets.service.web.messages import Id, K
from recsys_assets.service.web.problems import faults, problem

VALUES = ["", "1", "+3", " 4 ", "0", "-1", "5.0", "1e3", "true", "maybe", "a b", "ä", "\x00", "\u0664"]
PAIRS = st.tuples(st.sampled_from(["k", "category", "explain", "client"]), st.sampled_from(VALUES))


def app_of(route: type[APIRoute]) -> FastAPI:
    app = FastAPI()
    app.router.route_class = route

    @app.get("/of/{item:path}/all", response_model=None)
    async def of_item(
        item: Annotated[Id, InPath(description="The item.")],
        k: Annotated[K, Query()] = 20,
        category: Annotated[list[Id], Query(max_length=2)] = [],  # noqa: B006
        client: Annotated[Id | None, Query(description="Whose.")] = None,
        explain: Annotated[bool, Query()] = False,
    ) -> Response:
        return Response(repr((item, k, category, client, explain)))

    @app.get("/aliased", response_model=None)
    async def aliased(k: Annotated[int, Query(alias="count")]) -> Response:
        return Response(repr(k))

    @app.get("/named", response_model=None)
    async def named(request: Request, category: Annotated[list[str], Query()]) -> Response:
        return Response(repr((request.method, category)))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return problem(422, "It cannot be used.", faults(error.errors()))

    return app


OURS, THEIRS = (TestClient(app_of(each)) for each in (AddressRoute, APIRoute))


def _same(address: str) -> Any:
    said, known = OURS.get(address), THEIRS.get(address)
    assert (said.status_code, said.content) == (known.status_code, known.content), address
    return said


@given(item=st.sampled_from(["a", "a/b", "%C3%A4", "%00", "%20"]), pairs=st.lists(PAIRS, max_size=5))
def test_addresses_are_taken_and_refused_as_by_fastapi(item: str, pairs: list[tuple[str, str]]) -> None:
    _same(f"/of/{item}/all?" + "&".join(f"{name}={quote_plus(value)}" for name, value in pairs))


@pytest.mark.parametrize("query", ["", "?", "?k", "?k=3&k=4", "?k=3;k=4", "?&&k=3", "?%6b=3", "?k=%ff"])
def test_oddly_written_addresses_are_read_as_by_fastapi(query: str) -> None:
    for path in ("/of/a/all", "/aliased", "/named"):
        _same(path + query)
    assert _same("/aliased?count=3").text == "3"
    assert _same("/named?category=a&category=b").text == "('GET', ['a', 'b'])"


def test_a_default_is_no_answers_own() -> None:
    assert _same("/of/a/all").text == _same("/of/a/all").text == "('a', 20, [], None, False)"


def test_the_description_is_that_of_fastapi() -> None:
    assert app_of(AddressRoute).openapi() == app_of(APIRoute).openapi()
