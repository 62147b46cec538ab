"""Names of datasets and jobs, as defined by the OpenLineage specification."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

LONGEST_NAMESPACE, LONGEST_NAME = 1024, 255
"""Most characters of a namespace that catalogs such as Marquez keep, and of a name that they can look up."""
_OTHER = re.compile(r"[^A-Za-z0-9:/_.@+-]")
_SAME_STORE = {"s3a": "s3", "s3n": "s3", "gcs": "gs"}


class DatasetName(NamedTuple):
    """A dataset's namespace and its name there: `file` and a path, `s3://bucket` and a key."""

    namespace: str
    name: str


class JobName(NamedTuple):
    """A job's namespace and its name there."""

    namespace: str
    name: str

    @property
    def key(self) -> str:
        """Both as one text."""
        return f"{self.namespace}/{self.name}"


def why_no_namespace(text: str) -> str | None:
    """The reason why catalogs such as Marquez would change a namespace; None if they keep it.

    They replace characters other than letters, digits and `:/_.@+-` by `_`. Then a run's parent, which they look up by
    the original name, is another job.
    """
    if wrong := sorted(set(_OTHER.findall(text))):
        return f"expected letters, digits and :/_.@+- alone; found {' '.join(map(repr, wrong))}"
    if len(text) > LONGEST_NAMESPACE:
        return f"expected at most {LONGEST_NAMESPACE:,} characters; found {len(text):,}"
    return None


@lru_cache(maxsize=64)
def as_namespace(text: str) -> str:
    """A text as the namespace that catalogs turn it into."""
    return _OTHER.sub("_", text)[:LONGEST_NAMESPACE]


@lru_cache(maxsize=4096)
def dataset_at(place: str) -> DatasetName:
    """The dataset at a path or URL; user, password and query of a URL are not part of its name."""
    if "://" not in place:
        return DatasetName("file", place or "/")
    scheme, _, rest = place.partition("://")
    scheme = _SAME_STORE.get(scheme.lower(), scheme.lower())
    if scheme == "file":
        return DatasetName("file", unquote(urlsplit(place).path) or "/")
    host, slash, path = rest.partition("/")
    host = host.rpartition("@")[2]
    path = path.partition("?")[0] if scheme in ("http", "https") else path
    if scheme in ("http", "https"):
        return DatasetName(f"{scheme}://{host}", slash + path or "/")
    return DatasetName(f"{scheme}://{host}", path.strip("/") or "/")


@lru_cache(maxsize=4096)
def uri_of(place: str) -> str:
    """A path or URL as a URI without user, password and query."""
    namespace, name = dataset_at(place)
    if namespace == "file":
        return f"file://{_quoted(name)}"
    return f"{namespace}/{_quoted(name.lstrip('/'))}".rstrip("/")


def below(root: str | None, path: str) -> str:
    """The path or URL of something below a folder or URL."""
    if root is None or path.startswith("/") or "://" in path:
        return path
    return f"{root.rstrip('/')}/{path}"


_UNSAFE = re.compile(r"[^A-Za-z0-9/._~!$&'()*+,;=:@-]")


def _quoted(path: str) -> str:
    return _UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in _bytes(found[0])), path)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
