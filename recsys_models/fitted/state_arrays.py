"""Arrays of a model file, checked against what the model's id maps make of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.fitted.model_files import ModelFileError


def must_be(array: NDArray[Any], name: str, *, shape: tuple[int | None, ...], kind: str) -> None:
    """Check the shape and kind of an array, and that its numbers are finite.

    Args:
        shape: lengths, None for any.
        kind: NumPy's kind letters that the type may have; floating point numbers are float32.

    Raises:
        ValueError: the array is different.
    """
    fits = array.ndim == len(shape) and all(
        want in (None, size) for want, size in zip(shape, array.shape, strict=False)
    )
    if not fits or array.dtype.kind not in kind or (array.dtype.kind == "f" and array.itemsize != 4):
        raise ValueError(
            f"{name}: expected an array of shape {shape} and kind {kind}, found {array.shape} {array.dtype}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name}: expected finite numbers, found others")


def must_be_learned(array: NDArray[Any], name: str) -> None:
    """Check that the numbers of a model's array are integers or finite float32.

    Only the spread of an input may be infinite: a constant input is divided by it and so becomes 0.

    Raises:
        ValueError: they are not.
    """
    if array.dtype.kind != "f":
        return
    finite = ~np.isnan(array) if name.endswith("spread") else np.isfinite(array)
    if array.itemsize != 4 or not finite.all():
        raise ValueError(f"{name}: expected finite float32, found others or {array.dtype}")


def sparse(
    name: str,
    data: NDArray[Any],
    indices: NDArray[Any],
    indptr: NDArray[Any],
    shape: tuple[int, int],
) -> sp.csr_array:
    """The CSR matrix of these arrays, whose indices are checked, because one out of bounds would read foreign memory.

    Raises:
        ValueError: the arrays are no CSR matrix of this shape.
    """
    must_be(indptr, f"{name}.indptr", shape=(shape[0] + 1,), kind="i")
    must_be(indices, f"{name}.indices", shape=(None,), kind="i")
    must_be(data, f"{name}.data", shape=(indices.size,), kind="f")
    rising = indptr[0] == 0 and indptr[-1] == indices.size and (np.diff(indptr) >= 0).all()
    inside = not indices.size or (indices.min() >= 0 and indices.max() < shape[1])
    if not rising or not inside:
        raise ValueError(
            f"{name}: expected a CSR matrix of shape {shape}, found row ends or columns outside of it"
        )
    return sp.csr_array((data, indices, indptr), shape=shape)


@contextmanager
def of_file(what: str, stem: str = "model") -> Iterator[None]:
    """Context manager that reports any fault in a file's content as a `ModelFileError`; `stem` is the files' name."""
    try:
        yield
    except ModelFileError:
        raise
    except MemoryError:
        raise
    except Exception as error:
        raise ModelFileError(
            f"{stem}.json, {stem}.safetensors: expected the content of a {what}, found {type(error).__name__}: "
            f"{error}; the files are whole, but another program or another release wrote them: make the {what} again"
        ) from error
