"""The footer of a Parquet file: its columns and rows."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from recsys_lineage.files.fault import FileFault

MAGIC = b"PAR1"
BATCH = 1 << 16
"""Rows in memory at once while a file is only checked."""


def read_parquet_footer(path: Path, name: str) -> tuple[pa.Schema, int]:
    """The columns and the number of rows of a Parquet file.

    Raises:
        FileFault: the file is empty, truncated, damaged or no Parquet.
        OSError: the file cannot be opened.
    """
    expected = "a Parquet file"
    with path.open("rb") as stream:
        start = stream.read(4)
        stream.seek(0, 2)
        stream.seek(max(stream.tell() - 4, 0))
        end = stream.read(4)
    if not start:
        raise FileFault(name, expected, "an empty file (0 bytes)", "Deliver it again.")
    if start != MAGIC:
        raise FileFault(
            name, expected, f"a file that starts with {start!r}", "Deliver Parquet, or use read_csv."
        )
    if end != MAGIC:
        raise FileFault(name, expected, "one without its footer (truncated)", "Deliver it again.")
    try:
        footer = pyarrow.parquet.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise FileFault(name, expected, f"a damaged one ({error})", "Deliver it again.") from None
    return footer.schema.to_arrow_schema(), footer.num_rows


def has_only_text(schema: pa.Schema) -> bool:
    """Whether a file has several columns, all of text."""
    return len(schema) > 1 and all(_is_text(field.type) for field in schema)


def _is_text(type_: pa.DataType) -> bool:
    if pa.types.is_dictionary(type_):
        return _is_text(type_.value_type)
    return pa.types.is_string(type_) or pa.types.is_large_string(type_)


def decode_parquet(path: Path, name: str) -> None:
    """Read every page of a Parquet file and keep nothing, because only reading reveals a damaged page.

    Dictionary-encoded text stays encoded, which takes half the time; the indices and the UTF-8 text of the dictionary
    are checked.

    Raises:
        FileFault: a page cannot be decoded, or its checksum, if any, is wrong.
    """
    try:
        text = _dictionary_text(pyarrow.parquet.read_metadata(path))
        with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True, read_dictionary=text) as file:
            for batch in file.iter_batches(BATCH):
                batch.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise damaged_page_fault(name, error) from None


def damaged_page_fault(name: str, error: Exception) -> FileFault:
    """The fault of a file whose footer can be read and one of whose pages cannot."""
    found = f"a page that cannot be read ({str(error).splitlines()[0]})"
    return FileFault(name, "a Parquet file", found, "Deliver it again.")


def _dictionary_text(footer: pyarrow.parquet.FileMetaData) -> list[str]:
    """The text columns with a dictionary in every row group."""
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    chunks = [group.column(number) for group in groups for number in range(group.num_columns)]
    without = {chunk.path_in_schema for chunk in chunks if not chunk.has_dictionary_page}
    schema = footer.schema.to_arrow_schema()
    return [field.name for field in schema if pa.types.is_string(field.type) and field.name not in without]
