"""A stand-in for Marquez over HTTP.

`test_marquez.py` holds it to the recorded answers of a real one. What it does not claim to answer is a bare 404.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Any
from urllib.parse import unquote

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.lineage.openlineage.marquez_answers import Answers
from tests.lineage.openlineage.marquez_state import Marquez

_HTML = "<html><head><title>Error 500 Internal Server Error</title></head><body><h2>HTTP ERROR 500</h2></body></html>"


def marquez_app(held: Marquez) -> ASGIApp:
    """The API of a Marquez."""
    answers, lock = Answers(held), Lock()

    async def post(request: Request) -> Response:
        body = await request.body()
        try:
            event = json.loads(body)
            if not isinstance(event, dict):
                raise ValueError("Cannot deserialize value of type `LineageEvent` from Array value")
        except ValueError as error:
            return JSONResponse({"code": 400, "message": str(error)}, 500)
        if "dataset" not in event and event.get("job") is None:
            return JSONResponse({"errors": ["job must not be null"]}, 422)
        if "run" in event and "eventType" not in event:
            return HTMLResponse(_HTML, 500)
        with lock:
            held.take(event)
        return Response(status_code=201)

    def dataset(request: Request) -> Response:
        found = answers.dataset(_key(request, "dataset"))
        return _found(found, f"Dataset '{_key(request, 'dataset')[1]}' not found.")

    def versions(request: Request) -> Response:
        key = _key(request, "dataset")
        if key not in held.datasets:
            return _found(None, f"Dataset '{key[1]}' not found.")
        shown = answers.versions(key)
        return JSONResponse({**shown, "versions": _page(request, shown["versions"])})

    def datasets(request: Request) -> Response:
        namespace = unquote(request.path_params["namespace"])
        shown = [
            answers.dataset(key)
            for key, each in held.datasets.items()
            if key[0] == namespace and not each.deleted
        ]
        return JSONResponse({"totalCount": len(shown), "datasets": _page(request, shown)})

    def job(request: Request) -> Response:
        found = held.jobs.get(_key(request, "job"))
        shown = None if found is None else answers.job(found, is_alone=True)
        return _found(shown, f"Job '{_key(request, 'job')[1]}' not found.")

    def jobs(request: Request) -> Response:
        namespace = unquote(request.path_params["namespace"])
        shown = [answers.job(each) for key, each in sorted(held.jobs.items()) if key[0] == namespace]
        return JSONResponse({"totalCount": len(shown), "jobs": _page(request, shown)})

    def runs(request: Request) -> Response:
        found = held.jobs.get(_key(request, "job"))
        if found is None:
            return _found(None, f"Job '{_key(request, 'job')[1]}' not found.")
        shown = answers.runs(found)
        return JSONResponse({"runs": _page(request, shown), "totalCount": len(shown)})

    def run(request: Request) -> Response:
        found = held.runs.get(request.path_params["run"])
        return _found(None if found is None else answers.run(found), "Run not found.")

    def namespaces(request: Request) -> Response:
        names = {key[0] for key in (*held.jobs, *held.datasets)} | {"default"}
        shown = [{"name": name} for name in sorted(names)]
        return JSONResponse({"namespaces": _page(request, shown)})

    def lineage(request: Request) -> Response:
        node = request.query_params["nodeId"]
        found = answers.lineage(node, int(request.query_params.get("depth", 20)))
        return _found(None if found is None else {"graph": found}, f"Job '{node.split(':')[-1]}' not found.")

    def columns(request: Request) -> Response:
        return JSONResponse({"graph": answers.columns(request.query_params["nodeId"])})

    space = "/api/v1/namespaces/{namespace}"
    routes = Starlette(
        routes=[
            Route("/api/v1/lineage", post, methods=["POST"]),
            Route("/api/v1/lineage", lineage),
            Route("/api/v1/column-lineage", columns),
            Route("/api/v1/namespaces", namespaces),
            Route(f"{space}/datasets", datasets),
            Route(f"{space}/datasets/{{dataset}}", dataset),
            Route(f"{space}/datasets/{{dataset}}/versions", versions),
            Route(f"{space}/jobs", jobs),
            Route(f"{space}/jobs/{{job}}", job),
            Route(f"{space}/jobs/{{job}}/runs", runs),
            Route("/api/v1/jobs/runs/{run}", run),
        ]
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":  # a slash inside a name is no slash of the path
            scope["path"] = scope["raw_path"].decode()
        await routes(scope, receive, send)

    return app


def _key(request: Request, what: str) -> tuple[str, str]:
    return unquote(request.path_params["namespace"]), unquote(request.path_params[what])


def _found(answer: Any, message: str) -> Response:
    return JSONResponse(
        {"code": 404, "message": message} if answer is None else answer, 404 if answer is None else 200
    )


def _page(request: Request, shown: list[Any]) -> list[Any]:
    start, count = int(request.query_params.get("offset", 0)), int(request.query_params.get("limit", 100))
    return shown[start : start + count]


@dataclass(frozen=True)
class RunningMarquez:
    """A stand-in that listens.

    Attributes:
        url: where.
        held: what it holds.
    """

    url: str
    held: Marquez


@contextmanager
def running_marquez() -> Iterator[RunningMarquez]:
    """An empty stand-in on a port of its own."""
    held = Marquez()
    with running_app(marquez_app(held)) as url:
        yield RunningMarquez(url, held)


@contextmanager
def running_app(app: ASGIApp) -> Iterator[str]:
    """The URL of an application that listens on a port of its own."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
