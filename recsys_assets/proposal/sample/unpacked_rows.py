"""UnpackedRows: columns that SQL extracts from a file's columns, such as fields of a JSON line or records in a list."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from recsys_lineage.sql.names import literal, quote

RECORD = "record"
WHOLE_LINES: Mapping[str, str] = {
    "delim": literal("\\t"),
    "quote": literal(""),
    "header": "false",
    "names": f"[{literal(RECORD)}]",
}
"""Options of `read_csv` that read each line as one column; JSON has tabs only as escapes."""


@dataclass(frozen=True)
class UnpackedRows:
    """Extraction of rows and columns from those of a scan.

    Attributes:
        columns: name → its SQL, over the columns of the scan and, if there are elements, of `element`.
        taken: columns of the scan that are needed.
        checks: SQL for some of `taken` that turns invalid values into NULL.
        elements: SQL of a list whose elements become rows; a row without any stays, with empty columns.
        of_elements: those of `columns` that belong to one element → their names in it.
        outer: name → SQL of each list around that one, the outermost first, whose elements become rows too; the columns
            may use such an element as `outer_1`, `outer_2` and so on.
    """

    columns: Mapping[str, str]
    taken: tuple[str, ...]
    checks: Mapping[str, str]
    elements: str = ""
    of_elements: Mapping[str, str] = field(default_factory=dict)
    outer: Mapping[str, str] = field(default_factory=dict)

    @property
    def shared_columns(self) -> set[str]:
        """The columns that all rows of one list share; empty if each row is a record of its own."""
        if not self.elements:
            return set()
        return self.columns.keys() - self.of_elements.keys()

    def with_scanned(self, names: Collection[str]) -> UnpackedRows:
        """The same rows, with some columns of the scan itself, such as those of folders."""
        own = {name: quote(name) for name in names}
        checks = {**self.checks, **own} if self.checks else {}
        taken = (*self.taken, *own)
        return replace(self, columns={**self.columns, **own}, taken=taken, checks=checks)

    def relation(self, scan: str, names: Collection[str]) -> str:
        """A subquery with some of the columns, `_file` and `_line`."""
        made = ", ".join(f"{sql} AS {quote(name)}" for name, sql in self.columns.items() if name in names)
        inner = scan
        if self.checks:
            checked = ", ".join(f"{sql} AS {quote(name)}" for name, sql in self.checks.items())
            inner = f"(SELECT {checked}, _file, _line FROM {inner})"
        kept = "".join(f"{quote(name)}, " for name in self.taken)
        for place, listed in enumerate(self.outer.values(), start=1):
            inner = f"(SELECT {kept}{_each(listed)} AS {outer_element(place)}, _file, _line FROM {inner})"
            kept += f"{outer_element(place)}, "
        if self.elements:
            inner = f"(SELECT {kept}{_each(self.elements)} AS element, _file, _line FROM {inner})"
        return f"(\n    SELECT {made}, _file, _line\n    FROM {inner}\n)"


def outer_element(place: int) -> str:
    """Name of an element of the outermost list (1), of the list in it (2), and so on."""
    return f"outer_{place}"


def _each(listed: str) -> str:
    """SQL for the elements of a list as rows; one whose list is empty stays, so that it is refused and not lost."""
    return f"unnest(CASE WHEN len({listed}) > 0 THEN {listed} ELSE [NULL] END)"


def parts_of_lines(width: int, separator: str) -> UnpackedRows:
    """Columns of lines whose fields are separated by several characters, such as `::`."""
    columns = {
        f"column_{place}": f"nullif(split_part({RECORD}, {literal(separator)}, {place}), '')"
        for place in range(1, width + 1)
    }
    return UnpackedRows(columns, (RECORD,), {})
