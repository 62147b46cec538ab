"""The service's HTTP routes and their OpenAPI description."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Query, Request, Response
from fastapi import Path as InPath
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from recsys_assets.service.answers.computed_list import Question
from recsys_assets.service.answers.known_histories import Action
from recsys_assets.service.answers.searching import SearchQuestion
from recsys_assets.service.feedback.feedback_log import FeedbackError
from recsys_assets.service.request_handler import RequestHandler, moment_of
from recsys_assets.service.rotation import NoChampion
from recsys_assets.service.web.address_route import AddressRoute
from recsys_assets.service.web.messages import (
    MOST_ITEMS,
    Event,
    Events,
    EventsTaken,
    Health,
    Id,
    K,
    Preview,
    Problem,
    Ready,
    RecommendationRequest,
    Recommendations,
    SearchResults,
    SearchText,
    SessionItem,
    SimilarItems,
    Status,
    Version,
)
from recsys_assets.service.web.problems import MEDIA_TYPE, Refused, faults, in_words, problem
from recsys_assets.service.web.status import page, problems_of, status_of

_DESCRIPTION = """Recommendations that count what a customer did a moment ago, each with the version of the model that
made it. Errors are problem details (RFC 9457)."""
_PROBLEM: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
_NO_JSON = "a body is JSON and says so: Content-Type: application/json"
_FIELDS = {name for each in (RecommendationRequest, SessionItem, Events, Event) for name in each.model_fields}
_PROBLEM_STATUSES = (400, 401, 403, 413, 421, 422, 429, 503)


def service_app(handler: RequestHandler) -> FastAPI:
    """The application for a handler, without the middleware around it."""
    app = FastAPI(
        title="recsys serve",
        version=version("recsys-platform"),
        description=_DESCRIPTION,
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        responses={status: _PROBLEM for status in _PROBLEM_STATUSES},
        telemetry={"tracing": False, "metrics": False, "logs": False},  # its spans would name customers
    )
    app.router.route_class = AddressRoute
    _add_lists(app, handler)
    _add_search_and_events(app, handler)
    _add_state(app, handler)
    _add_problems(app)
    return app


def _add_lists(app: FastAPI, handler: RequestHandler) -> None:
    """Routes that return lists of items for a customer, a session or an item."""

    @app.get("/recommendations/{user:path}", response_model=Recommendations, summary="A customer's list")
    async def of_user(
        user: Annotated[Id, InPath(description="The customer, known or not.", examples=["1823"])],
        k: Annotated[K, Query()] = 20,
        exclude: Annotated[list[Id], Query(max_length=MOST_ITEMS, description="Items to leave out.")] = [],  # noqa: B006
        category: Annotated[list[Id], Query(max_length=50, description="Only of these.")] = [],  # noqa: B006
        client_id: Annotated[Id | None, Query(description="The browser or device.")] = None,
        explain: Annotated[bool, Query(description="Whether to give the reasons for each item.")] = False,
    ) -> Response:
        question = Question(user, client_id, (), k, exclude, category)
        return _json(await handler.recommend(question, explain=explain))

    @app.post("/recommendations", response_model=Recommendations, summary="A list for a session")
    async def of_session(body: RecommendationRequest) -> Response:
        now = moment_of(None, "")
        session = [
            Action(each, "view", now)
            if isinstance(each, str)
            else Action(each.item, each.behaviour, moment_of(each.time, f"items.{place}.time"))
            for place, each in enumerate(body.items)
        ]
        question = Question(body.user, body.client_id, session, body.k, body.exclude, body.category)
        return _json(await handler.recommend(question, explain=body.explain))

    @app.get(
        "/items/{item:path}/similar",
        response_model=SimilarItems,
        summary="Items like another one",
        responses={404: _PROBLEM},
    )
    async def similar(
        item: Annotated[Id, InPath(description="The item.", examples=["1029743"])],
        k: Annotated[K, Query()] = 20,
    ) -> Response:
        return _json(await handler.similar(item, k))


def _add_search_and_events(app: FastAPI, handler: RequestHandler) -> None:
    """Routes for searches and events, and the preview for the shop."""

    @app.get("/search", response_model=SearchResults, summary="Items that somebody looks for")
    async def search(
        q: Annotated[SearchText, Query(description="What is looked for.", examples=["frozen pizza"])],
        user: Annotated[Id | None, Query(description="The customer; what they like comes first.")] = None,
        k: Annotated[K, Query()] = 20,
        category: Annotated[list[Id], Query(max_length=50, description="Only of these.")] = [],  # noqa: B006
        client_id: Annotated[Id | None, Query(description="The browser or device.")] = None,
        explain: Annotated[bool, Query(description="Whether to give the reasons for each item.")] = False,
    ) -> Response:
        return _json(await handler.search(SearchQuestion(q, user, client_id, k, category), explain=explain))

    @app.post("/events", response_model=EventsTaken, summary="What customers did and were shown")
    async def events(body: Events) -> Response:
        return _json(await handler.take(body.events))

    @app.get(
        "/preview/{user:path}", response_model=Preview, summary="A customer's list, as a preview for the shop"
    )
    async def preview(
        user: Annotated[Id, InPath(description="The customer, known or not.", examples=["1823"])],
        k: Annotated[K, Query()] = 20,
    ) -> Response:
        return _json(await handler.preview(user, k))


def _add_state(app: FastAPI, handler: RequestHandler) -> None:
    """Routes for the state of the service: readiness, version, status, metrics, and the page."""
    rotation = handler.rotation

    @app.get("/health", response_model=Health, summary="Whether the process answers")
    async def health() -> Response:
        return _json({"status": "alive"})

    @app.get("/ready", response_model=Ready, summary="Whether answers can be given")
    async def ready(request: Request) -> Response:
        readiness: dict[str, Any] = {"status": "waiting" if rotation.now is None else "ready"}
        if rotation.now is not None:
            served = rotation.now.champion.served
            readiness |= {"model_table": served.table, "model_version": served.version}
            readiness |= {"record": served.record, "family": served.model.name}
            readiness["made"] = served.made
        if request.scope["state"]["trusted"]:
            readiness["problems"] = problems_of(rotation, handler.log)
        return _json(readiness, 503 if rotation.now is None else 200)

    @app.get("/version", response_model=Version, summary="What answers")
    async def what() -> Response:
        served = None if rotation.now is None else rotation.now.champion.served
        return _json(
            {
                "service": version("recsys-platform"),
                "model_table": served and served.table,
                "model_version": served and served.version,
                "record": served and served.record,
                "family": served and served.model.name,
                "reads": {} if served is None else served.reads,
            }
        )

    @app.get("/", include_in_schema=False)
    async def for_people() -> Response:
        html, policy = page()
        return Response(html, media_type="text/html", headers={"Content-Security-Policy": policy})

    @app.get("/status", response_model=Status, summary="What the page at / shows")
    async def status() -> Response:
        handler.catch_up()
        return _json(status_of(rotation, handler.log, handler.metrics, handler.workers))

    @app.get(
        "/metrics",
        summary="Metrics for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
    )
    async def metrics() -> Response:
        handler.catch_up()
        return Response(handler.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_problems(app: FastAPI) -> None:
    """Handlers that turn errors into problem details."""

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        wrong = faults(error.errors(), _FIELDS)
        kind = request.headers.get("content-type", "")
        if request.method == "POST" and not kind.partition(";")[0].strip().lower().endswith("json"):
            wrong = [{"where": "header.content-type", "what": _NO_JSON}]
        return problem(422, "The request cannot be used as it is.", wrong)

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return problem(error.status, error.detail, error.errors, error.headers)

    @app.exception_handler(NoChampion)
    @app.exception_handler(FeedbackError)
    async def unavailable(_: Request, error: NoChampion | FeedbackError) -> Response:
        return problem(503, in_words(error), headers={"Retry-After": "5"})

    @app.exception_handler(HTTPException)
    async def wrong_place(_: Request, error: HTTPException) -> Response:
        words = {
            404: "There is nothing at this address; /openapi.json lists the routes.",
            405: "This address does not support the method; /openapi.json says which it does.",
        }
        return problem(
            error.status_code, words.get(error.status_code, str(error.detail)), headers=error.headers
        )


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
