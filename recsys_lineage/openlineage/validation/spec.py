"""Spec: the official schemas, from a folder, from a mirror, or downloaded once into a cache."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import requests
from referencing import Registry
from referencing.exceptions import NoSuchResource, Unresolvable
from referencing.retrieval import to_cached_resource

from recsys_lineage.errors import LineageError

OFFICIAL = "https://openlineage.io/spec"
EVENT = f"{OFFICIAL}/2-0-2/OpenLineage.json"
"""The newest supported schema of events."""
SETTING = "OPENLINEAGE_SPEC"
"""The environment variable that names a folder or a mirror of the schemas."""
OWN = Path(__file__).parent.parent / "schemas"
"""Folder of the schemas of this project's own facets, each named like the last part of its URL."""
_NAME = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
_SECONDS = 20


class NoSpec(LineageError):
    """The official schemas are missing and cannot be downloaded."""


class Spec:
    """The official schemas by their URLs. A third-party URL is never fetched; its schema counts as unknown.

    Args:
        source: a folder with `2-0-2/OpenLineage.json` and `facets/`, or the URL of a mirror; openlineage.io when None.
        cache: a folder for downloads; the user's cache folder when None.

    Raises:
        NoSpec: the folder has no schemas.
    """

    def __init__(self, source: str | None = None, cache: Path | None = None) -> None:
        self.source = source or OFFICIAL
        self._folder: Path | None = None
        if not self.source.startswith(("http://", "https://")):
            self._folder = Path(self.source)
            if not (self._folder / EVENT.removeprefix(f"{OFFICIAL}/")).is_file():
                raise NoSpec(
                    "There are no schemas of OpenLineage.",
                    expected="2-0-2/OpenLineage.json and facets/, as in the folder `spec` of OpenLineage's repository",
                    where=self.source,
                    advice=f"name another folder or URL in {SETTING}, or none, so that {OFFICIAL} is fetched once",
                )
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self._cache = cache or home / "recsys-lineage" / "openlineage-spec"
        self._documents: dict[str, dict[str, Any] | None] = {}
        self._there: dict[str, bool] = {}
        self._own = {
            document["$id"]: document
            for path in sorted(OWN.rglob("*.json"))
            if "$id" in (document := json.loads(path.read_text()))
        }
        self.registry: Registry[Any] = Registry(retrieve=to_cached_resource()(self._text))  # pyright: ignore[reportCallIssue]

    def document(self, url: str) -> dict[str, Any] | None:
        """The schema of a URL without its fragment; None where it is not an official one.

        Raises:
            NoSpec: it cannot be downloaded.
        """
        if not self._is_known(url):
            return None
        if url not in self._documents:
            self._documents[url] = self._found(url)
        return self._documents[url]

    def has(self, url: str) -> bool:
        """Whether a URL with its fragment refers to a schema."""
        address, _, fragment = url.partition("#")
        if not self._is_known(address):
            return False
        if url not in self._there:
            self._there[url] = self.document(address) is not None
            try:
                if self._there[url]:
                    self.registry.resolver(address).lookup(f"#{fragment}")
            except Unresolvable:
                self._there[url] = False
        return self._there[url]

    def _is_known(self, address: str) -> bool:
        """Whether a URL may refer to a schema; others, whose number in a stream is unlimited, are not cached."""
        return address in self._own or address.startswith(f"{OFFICIAL}/")

    def _text(self, uri: str) -> str:
        document = self.document(uri)
        if document is None:
            raise NoSuchResource(uri)
        return json.dumps(document)

    def _found(self, url: str) -> dict[str, Any] | None:
        if url in self._own:
            return self._own[url]
        name = url.removeprefix(f"{OFFICIAL}/")
        if name == url or not _NAME.fullmatch(name) or ".." in name:
            return None
        if self._folder is not None:
            path = self._folder / name
            return json.loads(path.read_bytes()) if path.is_file() else None
        cached = self._cache / re.sub(r"\W", "_", self.source) / name
        if not cached.is_file():
            body = self._fetched(name)
            if body is None:
                return None
            cached.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=cached.parent, delete=False) as file:
                file.write(body)
            Path(file.name).replace(cached)
        return json.loads(cached.read_bytes())

    def _fetched(self, name: str) -> bytes | None:
        url = f"{self.source.rstrip('/')}/{name}"
        try:
            answer = requests.get(url, timeout=_SECONDS)
            if answer.status_code == 404 and url.removeprefix(self.source.rstrip("/")) != f"/{EVENT_NAME}":
                return None
            answer.raise_for_status()
            if not isinstance(answer.json(), dict):
                raise ValueError("no JSON object")
        except (requests.RequestException, ValueError) as error:
            raise NoSpec(
                "The schemas of OpenLineage cannot be fetched.",
                expected=f"JSON at {url}",
                found=type(error).__name__ if not str(error) else str(error),
                where=url,
                advice=f"offline, name a folder of them in {SETTING}; what was fetched once is in {self._cache}",
            ) from error
        return answer.content


EVENT_NAME = EVENT.removeprefix(f"{OFFICIAL}/")
