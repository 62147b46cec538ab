"""The options for Parquet files in a source's SQL."""

from __future__ import annotations

from dataclasses import dataclass

from recsys_lineage.errors import SourceSqlError
from recsys_lineage.files.file_scan import FileScan

_REFUSED = {
    "file_row_number": "every row has its number, from 1, as _line",
    "filename": "every row has the path of its file as _file",
    "hive_types": "a folder's value is text; cast it in the SELECT",
    "hive_types_autocast": "a folder's value is text; cast it in the SELECT",
}


@dataclass(frozen=True)
class ParquetOptions:
    """The options of a `read_parquet` scan.

    With `binary_as_string`, binary columns are read as text. With `hive_partitioning`, a folder named `column=value`
    adds a column to a file that has none of that name.
    """

    binary_as_string: bool = False
    hive_partitioning: bool = True

    @classmethod
    def of(cls, scan: FileScan) -> ParquetOptions:
        """The options in a scan.

        Raises:
            SourceSqlError: an option is unknown, or has a value that is not supported.
        """
        options = dict(scan.options)
        known = ("binary_as_string", "hive_partitioning", "union_by_name")
        for name, value in options.items():
            if name not in known:
                advice = _REFUSED.get(name, "leave it out")
                raise _wrong(scan, f"options among {', '.join(known)}", name, advice)
            if not isinstance(value, bool):
                raise _wrong(scan, f"{name} = true or false", repr(value), "correct the option there")
        if options.get("union_by_name") is False:
            found = "union_by_name = false"
            raise _wrong(scan, "columns that belong together by their names", found, "leave it out")
        return cls(
            options.get("binary_as_string", False) is True, options.get("hive_partitioning", True) is True
        )


def _wrong(scan: FileScan, expected: str, found: str, advice: str) -> SourceSqlError:
    return SourceSqlError(
        "An option of a scan cannot be used.", expected=expected, found=found, where=str(scan), advice=advice
    )
