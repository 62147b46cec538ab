"""A fitted model or a graph as two files, JSON and safetensors, that prove their own integrity. Nothing is pickled."""

from __future__ import annotations

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

FORMAT = 1
"""Number of the file format that is written and read."""


class ModelFileError(ValueError):
    """A model file is missing, truncated, altered or of another format."""


def to_files(name: str, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> dict[str, bytes]:
    """The two files `{name}.json` and `{name}.safetensors`; the JSON holds the SHA-256 of the weights and of itself.

    Args:
        header: plain JSON values.
        arrays: numbers, or strings (kept as UTF-8 with offsets).
    """
    tensors: dict[str, NDArray[Any]] = {}
    for key, array in arrays.items():
        if array.dtype.kind == "U":
            encoded = [value.encode() for value in array.tolist()]
            tensors[f"{key}/utf8"] = np.frombuffer(b"".join(encoded), np.uint8)
            tensors[f"{key}/ends"] = np.cumsum([len(value) for value in encoded], dtype=np.int64)
        else:
            tensors[key] = np.asarray(
                array, order="C"
            )  # unlike ascontiguousarray, leaves a single number one
    weights = save_tensors(tensors)
    document = {"format": FORMAT, **header, "weights_sha256": hashlib.sha256(weights).hexdigest()}
    document["header_sha256"] = _digest(document)
    return {
        f"{name}.json": _json(document),
        f"{name}.safetensors": weights,
    }


def from_files(name: str, files: Mapping[str, bytes]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The header and the arrays that `to_files` wrote.

    Raises:
        ModelFileError: a file is missing, is not whole, or was changed since it was written.
    """
    document = read_header(name, files)
    weights = files.get(f"{name}.safetensors")
    if weights is None:
        raise ModelFileError(
            f"expected a file {name}.safetensors, found {sorted(files)}; save the model again"
        )
    found = hashlib.sha256(weights).hexdigest()
    if found != document["weights_sha256"]:
        raise ModelFileError(
            f"{name}.safetensors: expected sha256 {document['weights_sha256']}, found {found} ({len(weights)} bytes); "
            "the file is truncated or was changed, restore it or fit the model again"
        )
    try:
        tensors = load_tensors(weights)
    except SafetensorError as error:
        raise ModelFileError(f"{name}.safetensors: expected safetensors, found {error}") from error
    arrays: dict[str, NDArray[Any]] = {}
    for key, tensor in tensors.items():
        if key.endswith("/ends"):
            text = tensors[key.removesuffix("ends") + "utf8"].tobytes()
            bounds = np.concatenate([[0], tensor])
            values = [text[a:b].decode() for a, b in pairwise(bounds)]
            arrays[key.removesuffix("/ends")] = np.array(values, np.str_)
        elif not key.endswith("/utf8"):
            arrays[key] = tensor
    return document, arrays


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
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(
            f"{name}.json: expected a whole model header, found {raw[:60]!r} ({error})"
        ) from error
    if not intact:
        raise ModelFileError(
            f"{name}.json: its checksum does not fit its content; it was changed, restore it"
        )
    if document.get("format") != FORMAT:
        raise ModelFileError(
            f"{name}.json: expected format {FORMAT}, found {document.get('format')}; fit the model again"
        )
    return document


def write_folder(folder: str | Path, files: Mapping[str, bytes]) -> None:
    """Write the files into a folder, which is made where absent."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def read_folder(folder: str | Path, name: str) -> dict[str, bytes]:
    """The two files called `name` of a folder; absent ones are left out."""
    paths = [Path(folder) / f"{name}.json", Path(folder) / f"{name}.safetensors"]
    return {path.name: path.read_bytes() for path in paths if path.exists()}


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def _digest(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
