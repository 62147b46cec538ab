"""Storage: one small interface for a local folder and an S3-compatible URL."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec

from recsys_lineage.errors import LakePlaceError

if TYPE_CHECKING:
    from recsys_lineage.lake.stores.object_store import ObjectStore

# Globs, escapes and `key=value` folders: DuckDB, delta-rs and Polars would read them as such.
_UNSAFE_IN_ROOT = "*?[]\\%="


@dataclass(frozen=True)
class StoredFile:
    """A file below a folder: its path relative to it, its bytes, and its last change (seconds since 1970)."""

    path: str
    bytes: int
    changed: float


@dataclass(frozen=True)
class UnfinishedUpload:
    """A file of which an object store has parts but no whole: its path relative to a folder, the id of the upload, and
    when it began (seconds since 1970)."""

    path: str
    id: str
    began: float


@dataclass(frozen=True)
class Storage:
    """The root of a lake: a local folder or `s3://bucket/prefix`.

    S3 credentials, region and endpoint come from the standard `AWS_*` environment variables only, so that
    they are never part of a setting, a log line or a record.
    """

    uri: str
    options: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, uri: str | os.PathLike[str]) -> Storage:
        """Storage at a path or URL.

        Raises:
            LakePlaceError: the scheme is neither local nor s3, or readers would misread the path.
        """
        text = os.fspath(uri).rstrip("/")
        if "://" not in text:
            root = str(Path(text).expanduser().resolve())
            if odd := sorted(set(_UNSAFE_IN_ROOT) & set(root)):
                raise LakePlaceError(
                    f"A lake cannot lie at {root!r}.",
                    expected=f"a path without {' '.join(_UNSAFE_IN_ROOT)}",
                    found=" ".join(odd),
                    advice="readers of Parquet and Delta give these characters a meaning; choose another folder",
                )
            return cls(root)
        scheme = text.split("://", 1)[0]
        if scheme != "s3":
            raise LakePlaceError(
                f"A lake cannot lie at {text!r}.",
                expected="a local folder or an s3:// URL",
                found=f"the scheme {scheme!r}",
                advice="name a folder, or a place such as s3://bucket/prefix",
            )
        if "@" in text.removeprefix("s3://").partition("/")[0]:
            raise LakePlaceError(
                "The URL of a lake cannot contain credentials.",
                expected="s3://bucket/prefix",
                found="a user or password in front of the bucket",
                advice="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: every record names the lake's URL",
            )
        return cls(text, _s3_options())

    @property
    def is_local(self) -> bool:
        """Whether the root is a folder of this machine."""
        return "://" not in self.uri

    @cached_property
    def filesystem(self) -> fsspec.AbstractFileSystem:
        """The fsspec filesystem that lists, reads and deletes."""
        return fsspec.filesystem("file") if self.is_local else self._store

    @cached_property
    def _store(self) -> ObjectStore:
        """The underlying object store; the S3 libraries are loaded on first use."""
        from recsys_lineage.lake.stores.object_store import ObjectStore

        client: dict[str, Any] = {}
        if endpoint := self.options.get("AWS_ENDPOINT_URL"):
            client["endpoint_url"] = endpoint
        if region := self.options.get("AWS_REGION"):
            client["region_name"] = region
        return ObjectStore(
            key=self.options.get("AWS_ACCESS_KEY_ID"),
            secret=self.options.get("AWS_SECRET_ACCESS_KEY"),
            token=self.options.get("AWS_SESSION_TOKEN"),
            client_kwargs=client,
            use_listings_cache=False,
        )

    def path(self, *parts: str) -> str:
        """The full path or URL of a file below the root."""
        return "/".join((self.uri, *parts))

    def exists(self, path: str) -> bool:
        """Whether a file exists; on a disk, also whether a folder does."""
        return os.path.exists(path) if self.is_local else self._store.stamp(path) is not None

    def scrub(self, text: str) -> str:
        """The text without this storage's secrets."""
        for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"):
            if secret := self.options.get(name):
                text = text.replace(secret, "***")
        return text

    def make_folder(self, path: str) -> None:
        """Create a folder; a no-op on object stores, which have none."""
        if self.is_local:
            os.makedirs(path, exist_ok=True)

    def read_bytes(self, path: str) -> bytes:
        """The whole content of one file."""
        if self.is_local:
            return Path(path).read_bytes()
        return bytes(self.filesystem.cat_file(path))  # pyright: ignore[reportArgumentType]

    def read_many(self, paths: Sequence[str]) -> list[bytes]:
        """The contents of several files; an object store fetches them in parallel.

        Raises:
            FileNotFoundError: one does not exist.
        """
        if self.is_local or len(paths) < 2:
            return [self.read_bytes(path) for path in paths]
        found = self.filesystem.cat(list(paths))
        assert isinstance(found, dict)
        return [bytes(found[path.removeprefix("s3://")]) for path in paths]

    def write_bytes(self, path: str, content: bytes) -> None:
        """Write one small file atomically."""
        if not self.is_local:
            self.filesystem.pipe_file(path, content)
            return
        draft = Path(f"{path}.{uuid.uuid4().hex}.tmp")
        try:
            draft.write_bytes(content)
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)

    def write_new(self, path: str, content: bytes) -> None:
        """Write one file that nothing names yet; if the process dies meanwhile, a part of it may be there."""
        if self.is_local:
            _ = Path(path).write_bytes(content)
        else:
            self.filesystem.pipe_file(path, content)

    def create(self, path: str, content: bytes) -> None:
        """Create one small file atomically; fails if it exists, and one of several writers wins.

        Raises:
            FileExistsError: the file exists already.
        """
        if not self.is_local:
            try:
                self.filesystem.pipe_file(path, content, mode="create")
            except OSError as error:
                # S3 answers 412 to the later writer, and 409 to one that came while another was being stored.
                if "PreconditionFailed" in str(error) or "ConditionalRequestConflict" in str(error):
                    raise FileExistsError(path) from error
                raise
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        draft = Path(f"{path}.{uuid.uuid4().hex}.tmp")
        try:
            draft.write_bytes(content)
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)

    def delete(self, path: str) -> None:
        """Delete one file; a missing one is no error."""
        try:
            self.filesystem.rm_file(path)
        except FileNotFoundError:
            return

    def files(self, path: str) -> Iterator[str]:
        """Every file below a folder, as full paths or URLs; none if there is no such folder."""
        if self.is_local:
            yield from self.filesystem.find(path)
            return
        for found in self._store.objects(path):
            yield found["url"]

    def names_from(self, folder: str, first: str) -> list[str] | None:
        """Names of the files of a folder from `first` on in sort order, if `first` exists; None on a disk.

        An object store needs one request, while `exists` would need one for each file.
        """
        if self.is_local:
            return None
        names = [found["url"][len(folder) + 1 :] for found in self._store.objects(folder, first[:-1])]
        return names if names and names[0] == first else []

    def stamp(self, path: str) -> tuple[object, ...] | None:
        """Identity that distinguishes a file from every earlier or later one at its path; None if it does not exist."""
        if not self.is_local:
            return self._store.stamp(path)
        try:
            found = os.stat(path)
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def listed(self, path: str, wanted: Callable[[str], bool] = bool) -> Iterator[StoredFile]:
        """The files below a folder, with size and age.

        Args:
            path: the folder, a full path or URL.
            wanted: gets a path relative to the folder and returns whether to list it; for a folder on disk (its path
                ends with /), whether to descend into it.
        """
        if self.is_local:
            yield from _walked(path, "", wanted)
            return
        for found in self._store.objects(path):
            relative = found["url"][len(path) + 1 :]
            folders = relative.split("/")[:-1]
            if all(wanted("/".join(folders[: n + 1]) + "/") for n in range(len(folders))) and wanted(
                relative
            ):
                yield StoredFile(relative, found["Size"], found["LastModified"].timestamp())

    def uploads(self, path: str) -> Iterator[UnfinishedUpload]:
        """The unfinished uploads below a folder; none on a disk.

        Raises:
            OSError: the object store does not list them, or not for this user.
        """
        if self.is_local:
            return
        for found in self._store.uploads(path):
            relative = found["url"][len(path) + 1 :]
            yield UnfinishedUpload(relative, found["UploadId"], found["Initiated"].timestamp())

    def abort(self, path: str, upload: UnfinishedUpload) -> None:
        """Abort an unfinished upload below a folder, so that its parts are deleted; a missing one is no error."""
        self._store.abort_upload(f"{path}/{upload.path}", upload.id)

    def folders(self, path: str) -> list[str]:
        """Names of the folders directly below a folder."""
        try:
            found = self.filesystem.ls(path, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(e["name"].rstrip("/").rsplit("/", 1)[-1] for e in found if e["type"] == "directory")


def _walked(root: str, below: str, wanted: Callable[[str], bool]) -> Iterator[StoredFile]:
    try:
        entries = list(os.scandir(f"{root}/{below}"))
    except FileNotFoundError:
        return
    for entry in entries:
        path = below + entry.name
        if entry.is_dir(follow_symlinks=False):
            if wanted(f"{path}/"):
                yield from _walked(root, f"{path}/", wanted)
        elif wanted(path):
            try:
                stat = entry.stat(follow_symlinks=False)
            except FileNotFoundError:  # deleted since the folder was read
                continue
            yield StoredFile(path, stat.st_size, stat.st_mtime)


def _s3_options() -> dict[str, str]:
    names = (
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL",
    )  # fmt: skip
    options = {name: os.environ[name] for name in names if os.environ.get(name)}
    options.setdefault("AWS_REGION", os.environ.get("AWS_DEFAULT_REGION", "us-east-1"))
    if options.get("AWS_ENDPOINT_URL", "").startswith("http://"):
        options["AWS_ALLOW_HTTP"] = "true"
    options["aws_conditional_put"] = "etag"
    return options
