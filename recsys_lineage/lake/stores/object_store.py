"""ObjectStore: an S3-compatible store in fsspec's interface, with as few requests as possible.

A request to an object store takes milliseconds of CPU and tens of milliseconds of waiting, and s3fs makes two for a
missing file, because it may be a folder. DuckDB requests the size of a file several times whenever it opens the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import s3fs

from recsys_lineage.lake.versions.table_version import TABLE_FILE

_WRITTEN_ONCE = re.compile(TABLE_FILE)
_REMEMBERED = 20_000
_AT_ONCE = 1 << 20
"""Size in bytes up to which an opened file is fetched as a whole."""


class ObjectStore(s3fs.S3FileSystem):
    """A file system that caches facts about files that are written once."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._known: dict[str, dict[str, Any]] = {}

    async def _info(
        self,
        path: str,
        bucket: str | None = None,
        key: str | None = None,
        refresh: bool = False,
        version_id: str | None = None,
    ) -> dict[str, Any]:
        place = str(self._strip_protocol(path))
        known = self._known.get(place)
        if known is None:
            known = await super()._info(path, bucket, key, refresh, version_id)
            if known["type"] == "file" and _WRITTEN_ONCE.fullmatch(place.rsplit("/", 1)[-1]):
                while len(self._known) >= _REMEMBERED:
                    self._known.pop(next(iter(self._known)), None)
                self._known[place] = known
        return known

    async def _call_s3(self, method: str, *arguments: Any, **options: Any) -> Any:
        try:
            return await super()._call_s3(method, *arguments, **options)
        except FileNotFoundError as error:
            if "Key" not in options:
                raise
            place = f"{options['Bucket']}/{options['Key']}"
            self._known.pop(place, None)
            raise FileNotFoundError(f"s3://{place}: {error}") from error

    def _open(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, path: str, mode: str = "rb", **options: Any
    ) -> s3fs.S3File:
        # DuckDB reads a small file in three or four pieces, its end first; all of it is one request.
        if mode == "rb" and self.info(path)["size"] <= _AT_ONCE:
            options["cache_type"] = "all"
        return super()._open(path, mode, **options)

    async def _cat_file(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, path: str, start: int | None = None, end: int | None = None, **options: Any
    ) -> bytes:
        if start is not None or end is not None:
            return await super()._cat_file(path, start=start, end=end, **options)
        # s3fs requests the size first, to fetch large files in parts
        bucket, key, _ = self.split_path(path)
        body = (await self._call_s3("get_object", Bucket=bucket, Key=key))["Body"]
        try:
            return await body.read()
        finally:
            body.close()

    async def _rm_file(self, path: str, **options: Any) -> None:
        self._known.pop(str(self._strip_protocol(path)), None)
        await super()._rm_file(path, **options)

    def stamp(self, path: str) -> tuple[object, ...] | None:
        """Identity that distinguishes a file from every earlier or later one at its path; None if it does not exist.

        A folder is no file.
        """
        bucket, key, _ = self.split_path(path)
        try:
            found: Any = self.call_s3("head_object", Bucket=bucket, Key=key)
        except FileNotFoundError:
            return None
        return found.get("ETag"), found.get("LastModified"), found["ContentLength"]

    def objects(self, folder: str, after: str = "") -> Iterator[dict[str, Any]]:
        """The objects below a folder in S3's order of keys, with their URL as `url`.

        Args:
            folder: a URL.
            after: only objects whose path from the folder sorts after this one.
        """
        bucket, prefix, _ = self.split_path(f"{folder.rstrip('/')}/")
        start = prefix + after
        while True:
            answer: Any = self.call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, StartAfter=start)
            for found in answer.get("Contents", []):
                start = found["Key"]
                yield {**found, "url": f"s3://{bucket}/{start}"}
            if not answer.get("IsTruncated"):
                return

    def uploads(self, folder: str) -> Iterator[dict[str, Any]]:
        """The multipart uploads to paths below a folder (a URL) that were begun and neither completed nor aborted."""
        bucket, prefix, _ = self.split_path(f"{folder.rstrip('/')}/")
        after: dict[str, str] = {}
        while True:
            answer: Any = self.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=prefix, **after)
            for found in answer.get("Uploads", []):
                yield {**found, "url": f"s3://{bucket}/{found['Key']}"}
            if not answer.get("IsTruncated"):
                return
            after = {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer["NextUploadIdMarker"]}

    def abort_upload(self, path: str, upload_id: str) -> None:
        """Abort a multipart upload, so that the store deletes its parts; one that is no longer there is no error."""
        bucket, key, _ = self.split_path(path)
        try:
            self.call_s3("abort_multipart_upload", Bucket=bucket, Key=key, UploadId=upload_id)
        except FileNotFoundError:
            return
