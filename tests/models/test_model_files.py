"""Model files whose checksums are right and whose content is not: refused by the place, whatever it is."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from recsys_models import Interactions, ModelFileError, Popularity, load_model

DATA = Interactions.from_arrays(["ann", "bob", "zoë"], ["tea", "rye", "jam"])


def sealed(header: dict[str, Any], weights: dict[str, bytes]) -> dict[str, bytes]:
    """The files of a model with right checksums."""
    header = {key: value for key, value in header.items() if key != "header_sha256"}
    plain = json.dumps(header, sort_keys=True, separators=(",", ":"))
    header["header_sha256"] = hashlib.sha256(plain.encode()).hexdigest()
    return {"model.json": (json.dumps(header, indent=1, sort_keys=True) + "\n").encode(), **weights}


def parts() -> tuple[dict[str, Any], dict[str, bytes]]:
    files = Popularity().fit(DATA).to_files()
    return json.loads(files.pop("model.json")), files


def with_tensors(**changed: Any) -> dict[str, bytes]:
    """The model with other tensors; None takes one away."""
    header, weights = parts()
    tensors = {**load(weights["model.safetensors"]), **{k.replace("__", "/"): v for k, v in changed.items()}}
    content = save({key: np.ascontiguousarray(t) for key, t in tensors.items() if t is not None})
    digest = hashlib.sha256(content).hexdigest()
    return sealed({**header, "files": {"model.safetensors": digest}}, {"model.safetensors": content})


def test_what_is_not_changed_is_read() -> None:
    assert load_model(with_tensors()).item_ids.tolist() == ["jam", "rye", "tea"]


@pytest.mark.parametrize("key", ["format", "family", "files", "same_as"])
@pytest.mark.parametrize("value", [None, 5, -1, "x", [], [1], {"a": 1}, {"a": "b"}, True, 1e300, [[[]]]])
def test_a_header_of_another_kind_is_refused(key: str, value: Any) -> None:
    header, weights = parts()
    with pytest.raises(ModelFileError):
        load_model(sealed({**header, key: value}, weights))


@pytest.mark.parametrize("key", ["format", "family", "files", "params", "chosen", "history", "incidents"])
def test_a_header_without_a_part_is_refused(key: str) -> None:
    header, weights = parts()
    del header[key]
    with pytest.raises(ModelFileError):
        load_model(sealed(header, weights))


def test_a_header_nested_too_deep_is_refused() -> None:
    with pytest.raises(ModelFileError, match=r"model\.json"):
        load_model({"model.json": b"[" * 200_000})


@pytest.mark.parametrize(
    "ends",
    [
        [6, 3, 9],
        [3, 6, 10],
        [3, 6, 8],
        [-1, 6, 9],
        [3, 6, 2**40],
        [3.0, 6.0, 9.0],
        [[3], [6], [9]],
        [0, 0, 0],
    ],
)
def test_texts_that_end_elsewhere_are_refused(ends: Any) -> None:
    with pytest.raises(ModelFileError, match="item_ids"):
        load_model(with_tensors(item_ids__ends=np.array(ends)))


@pytest.mark.parametrize(
    "utf8",
    [
        None,
        np.full(9, 255, np.uint8),
        np.zeros(9, np.int64),
        np.frombuffer(b"teateatea", np.uint8),
        np.zeros((3, 3), np.uint8),
    ],
)
def test_texts_that_are_none_or_come_twice_are_refused(utf8: Any) -> None:
    with pytest.raises(ModelFileError, match="item_ids"):
        load_model(with_tensors(item_ids__utf8=utf8))


@pytest.mark.parametrize("content", [b"", b"x" * 99, b"\0" * 999, b"\xff" * 99])
def test_weights_of_another_format_are_refused(content: bytes) -> None:
    header, _ = parts()
    digest = hashlib.sha256(content).hexdigest()
    with pytest.raises(ModelFileError, match=r"model\.safetensors: expected safetensors"):
        load_model(sealed({**header, "files": {"model.safetensors": digest}}, {"model.safetensors": content}))


def test_numbers_that_numpy_does_not_have_are_refused() -> None:
    """Numbers of eight bits, of which safetensors knows and NumPy does not."""
    header, weights = parts()
    content = weights["model.safetensors"]
    size = int.from_bytes(content[:8], "little")
    tensors = json.loads(content[8 : 8 + size])
    tensors["strange"] = {
        "dtype": "F8_E4M3",
        "shape": [1],
        "data_offsets": [len(content) - 8 - size, len(content) - 7 - size],
    }
    told = json.dumps(tensors).encode()
    content = len(told).to_bytes(8, "little") + told + content[8 + size :] + b"\0"
    digest = hashlib.sha256(content).hexdigest()
    with pytest.raises(ModelFileError, match=r"model\.safetensors: expected safetensors"):
        load_model(sealed({**header, "files": {"model.safetensors": digest}}, {"model.safetensors": content}))
