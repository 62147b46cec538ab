"""The content of arrays, frames and their types, as bytes and texts; no library is imported for it."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any

Content = tuple[bytes | str, ...]


def array_content(value: object) -> Content | None:
    """The content of an object of NumPy, Polars, Arrow or pandas; None for another object.

    Equal arrays and frames have equal contents. A lazy frame and an expression count by their plan.
    """
    library, _, _ = type(value).__module__.partition(".")
    names = {kind.__name__ for kind in type(value).__mro__}
    for (known, name), content in _CONTENTS.items():
        if known == library and name in names:
            return content(value)
    return None


def _of_ndarray(value: Any) -> Content:
    data = repr(value.tolist()) if value.dtype.hasobject else value.tobytes()
    return (str(value.dtype), str(value.shape), data)


def _of_scalar(value: Any) -> Content:
    return (str(value.dtype), value.tobytes())


def _of_polars(value: Any) -> Content:
    stream = io.BytesIO()
    value.rechunk().write_ipc(stream)
    return (stream.getvalue(),)


def _of_series(value: Any) -> Content:
    return (value.name, *_of_polars(value.to_frame("values")))


def _of_plan(value: Any) -> Content:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (value.explain(optimized=False),)


def _of_arrow(value: Any) -> Content:
    import pyarrow as pa

    table = value if isinstance(value, pa.Table) else pa.table({"values": value})
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return (stream.getvalue(),)


def _of_pandas(value: Any) -> Content:
    return (
        str(value.dtypes),
        str(value.shape),
        value.to_json(orient="split", date_format="iso", double_precision=15),
    )


def _of_text(value: Any) -> Content:
    return (str(value),)


_CONTENTS: dict[tuple[str, str], Callable[[Any], Content]] = {
    ("numpy", "ndarray"): _of_ndarray,
    ("numpy", "generic"): _of_scalar,
    ("numpy", "dtype"): _of_text,
    ("polars", "DataFrame"): _of_polars,
    ("polars", "Series"): _of_series,
    ("polars", "LazyFrame"): _of_plan,
    ("polars", "Expr"): _of_text,
    ("polars", "Schema"): _of_text,
    ("polars", "DataType"): _of_text,
    ("pyarrow", "Table"): _of_arrow,
    ("pyarrow", "ChunkedArray"): _of_arrow,
    ("pyarrow", "Array"): _of_arrow,
    ("pyarrow", "Schema"): _of_text,
    ("pyarrow", "DataType"): _of_text,
    ("pyarrow", "Scalar"): _of_text,
    ("pandas", "DataFrame"): _of_pandas,
    ("pandas", "Series"): _of_pandas,
}
