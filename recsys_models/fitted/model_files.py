"""Files of a fitted model or a graph: a JSON header and safetensors, checked by their hashes. Nothing is pickled.

Each larger array has a file of its own, whose bytes depend on that array alone. So a content-addressed store keeps only
one copy of an array that two versions of a model share, such as a frozen encoder or unchanged ids.
"""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

FORMAT = 2
"""Version of the file format that is written; earlier versions can be read too."""
_ONE_FILE = 1
"""The format in which all arrays stood in `{name}.safetensors`, whose hash was the header's `weights_sha256`."""
OWN_FILE_BYTES = 1 << 14
"""Bytes from which on an array has a file of its own."""


class ModelFileError(ValueError):
    """A model file is missing, truncated, altered or of another format."""


def to_files(name: str, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> dict[str, bytes]:
    """`{name}.json`, `{name}.{key}.safetensors` for each larger array, and `{name}.safetensors` with the others.

    The JSON holds the SHA-256 of each of the files, and of itself. If two of the larger arrays are equal, such as a
    graph's edges in both directions, one is stored and the JSON says so.

    Args:
        header: plain JSON values.
        arrays: numbers, or strings (kept as UTF-8 with offsets); their keys must be valid in a file name.
    """
    together: dict[str, NDArray[Any]] = {}
    weights: dict[str, bytes] = {}
    first: dict[tuple[str, tuple[int, ...], bytes], str] = {}
    same_as: dict[str, str] = {}
    for key, array in arrays.items():
        tensors = _tensors(key, array)
        if sum(tensor.nbytes for tensor in tensors.values()) < OWN_FILE_BYTES:
            together |= tensors
            continue
        known = first.setdefault((array.dtype.str, array.shape, _content(tensors)), key)
        if known == key:
            weights[f"{name}.{key}.safetensors"] = save_tensors(tensors)
        else:
            same_as[key] = known
    weights[f"{name}.safetensors"] = save_tensors(together)
    digests = {file: hashlib.sha256(content).hexdigest() for file, content in weights.items()}
    document = {"format": FORMAT, **header, "files": digests, "same_as": same_as}
    document["header_sha256"] = _digest(document)
    return {f"{name}.json": _json(document), **weights}


def _content(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    digest = hashlib.sha256()
    for tensor in tensors.values():
        digest.update(tensor.tobytes())
    return digest.digest()


def _tensors(key: str, array: NDArray[Any]) -> dict[str, NDArray[Any]]:
    if array.dtype.kind != "U":
        # unlike ascontiguousarray, this leaves a single number one
        return {key: np.asarray(array, order="C")}
    encoded = [value.encode() for value in array.tolist()]
    ends = np.cumsum([len(value) for value in encoded], dtype=np.int64)
    return {f"{key}/utf8": np.frombuffer(b"".join(encoded), np.uint8), f"{key}/ends": ends}


def from_files(name: str, files: Mapping[str, bytes]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The header and the arrays that `to_files` wrote.

    Raises:
        ModelFileError: a file is missing, is not whole, or was changed since it was written.
    """
    document = read_header(name, files)
    tensors: dict[str, NDArray[Any]] = {}
    for file, digest in _weights(name, document).items():
        tensors |= _read_weights(file, digest, files)
    arrays: dict[str, NDArray[Any]] = {}
    for key, tensor in tensors.items():
        text = key.removesuffix("/ends")
        if text != key:
            arrays[text] = _strings(text, tensors.get(f"{text}/utf8"), tensor)
        elif not key.endswith("/utf8"):
            arrays[key] = tensor
    for key, known in _texts(name, document, "same_as", {}).items():
        if known not in arrays:
            raise ModelFileError(
                f"{name}.json: same_as: {key!r}: expected one of {sorted(arrays)}, found {known!r}; fit the model again"
            )
        arrays[key] = arrays[known].copy()
    return document, arrays


def _strings(key: str, utf8: NDArray[Any] | None, ends: NDArray[Any]) -> NDArray[np.str_]:
    """The strings that `_tensors` turned into these two arrays."""
    is_complete = utf8 is not None and utf8.ndim == ends.ndim == 1
    if not is_complete or (utf8.dtype, ends.dtype) != (np.uint8, np.int64):  # type: ignore[union-attr]
        raise ModelFileError(
            f"{key}: expected UTF-8 as bytes with int64 ends, found others; fit the model again"
        )
    bounds = np.concatenate([[0], ends])
    if (np.diff(bounds) < 0).any() or bounds[-1] != utf8.size:  # type: ignore[union-attr]
        raise ModelFileError(
            f"{key}: expected ends that rise to the text's, found others; fit the model again"
        )
    text = utf8.tobytes()  # type: ignore[union-attr]
    try:
        return np.array([text[a:b].decode() for a, b in pairwise(bounds.tolist())], np.str_)
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{key}: expected UTF-8, found {error}; fit the model again") from error


def _texts(
    name: str, document: Mapping[str, Any], key: str, default: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """A mapping from text to text in a header."""
    found = document.get(key, default)
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise ModelFileError(
            f"{name}.json: {key}: expected a mapping from text to text, found {found!r:.60}; fit the model again"
        )
    return found


def _weights(name: str, document: Mapping[str, Any]) -> Mapping[str, str]:
    """The files of weights that belong to a header, with their hashes."""
    if document["format"] == _ONE_FILE:
        return {f"{name}.safetensors": str(document.get("weights_sha256"))}
    return _texts(name, document, "files")


def _read_weights(file: str, digest: str, files: Mapping[str, bytes]) -> dict[str, NDArray[Any]]:
    weights = files.get(file)
    if weights is None:
        raise ModelFileError(f"expected a file {file}, found {sorted(files)}; save the model again")
    found = hashlib.sha256(weights).hexdigest()
    if found != digest:
        raise ModelFileError(
            f"{file}: expected sha256 {digest}, found {found} ({len(weights)} bytes); "
            "the file is truncated or was changed, restore it or fit the model again"
        )
    try:
        return load_tensors(weights)
    except (
        SafetensorError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ) as error:  # as it says, of a strange type
        raise ModelFileError(
            f"{file}: expected safetensors of NumPy's types, found {type(error).__name__}: {error}; fit the model again"
        ) from error


def read_header(name: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    """The checked JSON header alone.

    Raises:
        ModelFileError: as in `from_files`.
    """
    raw = files.get(f"{name}.json")
    if raw is None:
        raise ModelFileError(f"expected a file {name}.json, found {sorted(files)}; save the model again")
    try:
        document = json.loads(raw)
        intact = raw == _json(document)
        intact = document.pop("header_sha256") == _digest(document) and intact
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelFileError(
            f"{name}.json: expected a whole model header, found {raw[:60]!r} ({error})"
        ) from error
    if not intact:
        raise ModelFileError(
            f"{name}.json: its checksum does not fit its content; it was changed, restore it"
        )
    if type(document.get("format")) is not int or document["format"] not in (_ONE_FILE, FORMAT):
        raise ModelFileError(
            f"{name}.json: expected format {_ONE_FILE} or {FORMAT}, found {document.get('format')}; fit the model again"
        )
    return document


def write_folder(folder: str | Path, files: Mapping[str, bytes]) -> None:
    """Write the files into a folder, which is created if missing."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def read_folder(folder: str | Path, name: str) -> dict[str, bytes]:
    """The files that `to_files` made in a folder under a name; those that exist."""
    found = sorted(Path(folder).glob(f"{glob.escape(name)}.*"))
    return {path.name: path.read_bytes() for path in found if path.suffix in (".json", ".safetensors")}


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def _digest(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
