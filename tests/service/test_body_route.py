"""A body that is read straight from its bytes is understood, refused and described as FastAPI does it."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from recsys_assets.service.web.body_route import BodyRoute
from recsys_assets.service.web.messages import Events, RecommendationRequest
from recsys_assets.service.web.problems import faults, problem

JSON = "application/json"
SESSIONS = [
    b'{"items": ["a", {"item": "b", "behaviour": "cart", "time": "2026-01-01T00:00:00Z"}], "k": 3}',
    b'{"user": "anna", "user": "bob"}',
    b'{"k": true}',
    b'{"k": 2.0}',
    b'{"k": "7"}',
    b'{"k": 1e999}',
    b'{"k": NaN}',
    b'{"k": -1, "items": [1, {"item": ""}], "colour": 1}',
    b'{"items": [{"item": "a", "time": "yesterday"}]}',
    b'{"user": "\\ud800"}',
    b'{"user": "\xff"}',
    b'\xef\xbb\xbf{"user": "a"}',
    b'{"user": "a"',
    b'[{"user": "a"}]',
    b"null",
    b"",
]


def app_of(route: type[APIRoute]) -> FastAPI:
    app = FastAPI()
    app.router.route_class = route

    @app.post("/session", response_model=RecommendationRequest)
    async def session(asked: RecommendationRequest) -> Response:
        return Response(asked.model_dump_json())

    @app.post("/events", response_model=None)
    async def events(told: Events) -> Response:
        return Response(told.model_dump_json())

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return problem(422, "It cannot be used.", faults(error.errors()))

    return app


@pytest.mark.parametrize("kind", [JSON, "application/json; charset=utf-8", "text/plain", None])
def test_bodies_are_taken_and_refused_as_by_fastapi(kind: str | None) -> None:
    ours, theirs = (TestClient(app_of(each)) for each in (BodyRoute, APIRoute))
    headers: dict[str, Any] = {} if kind is None else {"content-type": kind}
    for body in SESSIONS:
        said, known = (each.post("/session", content=body, headers=headers) for each in (ours, theirs))
        assert (said.status_code, said.json()) == (known.status_code, known.json()), body


def test_events_that_do_not_fit_together_are_refused_as_by_fastapi() -> None:
    told = {"events": [{"event_id": "1", "action_name": "rating", "object_id": "a"}]}
    said, known = (TestClient(app_of(each)).post("/events", json=told) for each in (BodyRoute, APIRoute))
    assert said.status_code == known.status_code == 422
    assert said.json() == known.json()


def test_the_description_is_that_of_fastapi() -> None:
    assert app_of(BodyRoute).openapi() == app_of(APIRoute).openapi()
