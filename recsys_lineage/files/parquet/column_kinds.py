"""Kinds of columns of Parquet files, and which of them have no common type that keeps their values."""

from __future__ import annotations

from collections.abc import Collection

KIND = """CASE WHEN duckdb_type IN ('TIME', 'TIME_NS', 'TIME WITH TIME ZONE') THEN 'time of day'
    WHEN duckdb_type LIKE '%TIME ZONE' THEN 'with zone' WHEN duckdb_type = 'TIMESTAMP_NS' THEN 'nanoseconds'
    WHEN duckdb_type = 'TIMESTAMPTZ_NS' THEN 'nanoseconds with zone'
    WHEN duckdb_type = 'DATE' OR duckdb_type LIKE 'TIMESTAMP%' THEN 'without zone'
    WHEN duckdb_type IN ('BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT') THEN 'whole'
    WHEN duckdb_type IN ('INTEGER', 'UINTEGER') THEN 'short'
    WHEN duckdb_type LIKE 'DECIMAL%' THEN 'decimal ' || precision || ' ' || scale
    WHEN duckdb_type IN ('FLOAT', 'DOUBLE') THEN lower(duckdb_type)
    WHEN duckdb_type IN ('TINYINT', 'SMALLINT', 'UTINYINT', 'USMALLINT') THEN 'small'
    WHEN duckdb_type IN ('BOOLEAN', 'INTERVAL', 'UUID') THEN lower(duckdb_type) END"""
"""SQL for the kind of a column in `parquet_schema`; NULL for text, bytes and what has columns of its own."""
TIMES = {"with zone", "without zone", "nanoseconds", "nanoseconds with zone"}
_OF_THEIR_OWN = {"time of day", "boolean", "interval", "uuid"}
"""Kinds of which DuckDB converts none into another, or only with another meaning, as `true` into 1."""
_WITHIN = {
    "without zone": ("TIMESTAMP '1677-09-22'", "TIMESTAMP '2262-04-11'"),
    "with zone": ("TIMESTAMPTZ '1677-09-22 00:00:00+00'", "TIMESTAMPTZ '2262-04-11 00:00:00+00'"),
}
"""Kind of time → the range of values that can be converted to nanoseconds without loss."""
_DIGITS = {"float": 6, "double": 15}
"""Kind of float → the number of decimal digits of a number that it always keeps."""
_HELD = {"float": 1 << 24, "double": 1 << 53}
"""Kind of float → the number up to which it holds every whole number."""


_LARGEST_DECIMAL = 38
"""Digits of DuckDB's largest DECIMAL; it drops decimal places to keep a common type within."""
_WHOLE_DIGITS = {"short": 10, "whole": 20}


def are_apart(kinds: Collection[str]) -> bool:
    """Whether the common type of some kinds, other than text, could change values."""
    floats = _HELD.keys() & {*kinds}
    return (
        _are_of_several_families(kinds)
        or len(TIMES.intersection(kinds)) > 1
        or _exceed_decimals(kinds)
        or bool(floats and any(exact_range(kind, kinds) is not None for kind in {*kinds} - TIMES))
    )


def _are_of_several_families(kinds: Collection[str]) -> bool:
    """Whether kinds have no common type but text: numbers and times, say, or numbers and truth values."""
    families = {"times" if kind in TIMES else kind if kind in _OF_THEIR_OWN else "numbers" for kind in kinds}
    return len(families) > 1


def _exceed_decimals(kinds: Collection[str]) -> bool:
    """Whether no DECIMAL has the places before and behind the point of all kinds."""
    sizes = [tuple(map(int, kind.split()[1:])) for kind in kinds if kind.startswith("decimal")]
    before = [precision - scale for precision, scale in sizes]
    before += [_WHOLE_DIGITS[kind] for kind in kinds if kind in _WHOLE_DIGITS]
    return bool(sizes) and max(before) + max(scale for _, scale in sizes) > _LARGEST_DECIMAL


def exact_range(kind: str, kinds: Collection[str]) -> tuple[str, str] | None:
    """The values of a kind that stay the same in the common type of all kinds; None where all do, or none."""
    zones = {"with zone" in each for each in TIMES.intersection(kinds)}
    if len(zones) > 1 or _exceed_decimals(kinds) or _are_of_several_families(kinds):
        return None  # text whatever the values are
    if kind in TIMES:
        return _WITHIN.get(kind)
    wide = "double" if "double" in kinds else "float"
    if kind.startswith("decimal"):
        most = 10.0 ** (_DIGITS[wide] - int(kind.split()[2]))
        return (f"-{most!r}", f"{most!r}")
    if kind == "whole" or (kind == "short" and wide == "float"):
        return (str(-_HELD[wide]), str(_HELD[wide]))
    return None
