"""Marquez: client for the reference catalog of OpenLineage, over its HTTP API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from recsys_lineage.errors import LineageError, WrongQuestion

SECONDS = 60.0
"""Seconds to wait for an answer; Marquez takes several for a table of 1,000 columns."""
_PAGE = 100
_NEIGHBOURS = 1
"""Distance from a job up to which the catalog gives its neighbours."""
_Json = dict[str, Any]


class CatalogError(LineageError):
    """A catalog cannot be queried, or its answers are not those of a catalog."""


class Marquez:
    """A running Marquez.

    Args:
        url: its URL, with or without `/api/v1`.
        token: sent as a bearer token, for a proxy that requires one.
        seconds: the time to wait for an answer.

    Raises:
        WrongQuestion: the URL is not one of HTTP.
    """

    def __init__(self, url: str, token: str | None = None, seconds: float = SECONDS) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise WrongQuestion(
                "This is not the URL of a catalog.",
                expected="a URL such as http://127.0.0.1:5000",
                found=url.rpartition("@")[2],
            )
        path = parts.path.rstrip("/").removesuffix("/lineage").removesuffix("/api/v1")
        host = parts.netloc.rpartition("@")[2]
        self.url = f"{parts.scheme}://{host}{path}"
        self._seconds = seconds
        self._session = requests.Session()
        if parts.username is not None:
            self._session.auth = (parts.username, parts.password or "")
        if token is not None:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def namespaces(self) -> list[str]:
        """The namespaces of datasets and jobs that it knows."""
        return [each["name"] for each in self._pages("namespaces", "namespaces", is_required=True)]

    def datasets(self, namespace: str) -> Iterator[_Json]:
        """All datasets of a namespace."""
        return self._pages(f"namespaces/{_name(namespace)}/datasets", "datasets")

    def dataset(self, namespace: str, name: str) -> _Json | None:
        """One dataset, by its own name or that of a symlink; None if it is unknown."""
        return self._answer(f"namespaces/{_name(namespace)}/datasets/{_name(name)}")

    def writer(self, namespace: str, name: str, version: str) -> str | None:
        """The id of the run that made a version of a dataset; None where no run did.

        Args:
            namespace, name: the dataset's namespace and name.
            version: the catalog's own id of the version.
        """
        for each in self._pages(f"namespaces/{_name(namespace)}/datasets/{_name(name)}/versions", "versions"):
            if each["version"] == version:
                return (each.get("createdByRun") or {}).get("id")
        return None

    def jobs(self, namespace: str) -> Iterator[_Json]:
        """All jobs of a namespace, each with the datasets of the run that ended last."""
        return self._pages(f"namespaces/{_name(namespace)}/jobs", "jobs")

    def drawn(self, namespace: str, job: str) -> Iterator[_Json]:
        """A job and its neighbours, each with the datasets drawn to it; none if the job is unknown.

        This is what the web page shows: the datasets of the run reported last, whenever it ran.
        """
        found = self._answer("lineage", {"nodeId": f"job:{namespace}:{job}", "depth": _NEIGHBOURS})
        return (node["data"] for node in (found or {}).get("graph", ()) if node.get("type") == "JOB")

    def runs(self, namespace: str, job: str) -> Iterator[_Json]:
        """The runs of a job, the newest first."""
        return self._pages(f"namespaces/{_name(namespace)}/jobs/{_name(job)}/runs", "runs")

    def run(self, run_id: str) -> _Json | None:
        """One run; None if it is unknown."""
        return self._answer(f"jobs/runs/{_name(run_id)}")

    def _pages(self, path: str, what: str, *, is_required: bool = False) -> Iterator[_Json]:
        """All objects of a paged list; none if the name is unknown."""
        seen = 0
        while True:
            answer = self._answer(path, {"limit": _PAGE, "offset": seen})
            if is_required and what not in (answer or {}):
                raise self._strange("a page that is not there" if answer is None else f"no {what}", path)
            page = (answer or {}).get(what, [])
            yield from page
            seen += len(page)
            if len(page) < _PAGE:
                return

    def _answer(self, path: str, query: Mapping[str, Any] | None = None) -> _Json | None:
        """The JSON of an answer; None if the catalog does not know the name."""
        url = f"{self.url}/api/v1/{path}"
        try:
            answer = self._session.get(url, params=query, timeout=self._seconds)
        except requests.RequestException as error:
            raise CatalogError(
                "The catalog does not answer.",
                expected="a running Marquez",
                found=_reason(error, self._seconds),
                where=self.url,
                advice="check that it runs and has that address",
            ) from None
        if answer.status_code in (401, 403):
            raise CatalogError(
                "The catalog refuses access.",
                expected="a token that it knows",
                found=f"{answer.status_code} {answer.reason}",
                where=self.url,
                advice="give the token in the environment: OPENLINEAGE_API_KEY",
            )
        try:
            found = answer.json()
        except ValueError:
            raise self._strange(f"{answer.status_code} {answer.reason}, and no JSON", path) from None
        if answer.status_code == 404 and isinstance(found, dict) and found.get("code") == 404:
            return None
        if not answer.ok or not isinstance(found, dict):
            raise self._strange(f"{answer.status_code} {answer.reason}", path)
        return found

    def _strange(self, found: str, path: str) -> CatalogError:
        return CatalogError(
            "The answer is not that of a Marquez.",
            expected="the API of Marquez 0.51 or newer below /api/v1",
            found=found,
            where=f"{self.url}/api/v1/{path}",
            advice="its API has port 5000 unless set otherwise, its web page port 3000",
        )


def _name(text: str) -> str:
    return quote(text, safe="")


def _reason(error: requests.RequestException, seconds: float) -> str:
    if isinstance(error, requests.Timeout):
        return f"no answer within {seconds:g} s"
    if isinstance(error, requests.ConnectionError):
        return "nothing listens there, or its name is unknown"
    return type(error).__name__
