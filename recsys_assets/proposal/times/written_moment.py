"""WrittenMoment: several columns of a shop's files that form one time, such as a day and a time of day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from recsys_lineage.sql.names import literal

Unit = Literal["day", "clock", "offset", "year", "month", "day of month", "hour", "minute", "second"]
MIDNIGHT = r"[ T]00:00(:00(\.0+)?)?$"
"""Pattern of the clock that spreadsheets and databases append to a day without one."""
SPREADSHEET_DAY = r"^(1899-12-3[01]|1900-01-0[01])[ T]"
"""Pattern of the day that they put before a clock without one."""
_WIDTHS = {"year": 4}


@dataclass(frozen=True)
class WrittenMoment:
    """Columns that form one time: a day, or a year, a month and its day; then a clock, or an hour and so on.

    An offset from UTC may follow a complete time, which is then called `day`.

    Attributes:
        columns: unit of each of them, and its name.
        clock_digits: number of digits of its clock, if that is a number such as 930 for half past nine; 0 otherwise.
        is_bare: whether its day and clock have nothing around them that must be removed, such as blanks.
    """

    columns: tuple[tuple[Unit, str], ...]
    clock_digits: int = 0
    is_bare: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(name for _, name in self.columns)

    def sql(self, at: Callable[[str], str]) -> str:
        """SQL for the text of the time, `2024-3-01 09:30` or with the day in its own notation; only a day if there is
        no clock.

        Args:
            at: the SQL of a column.
        """
        if self.is_bare:
            return f"concat_ws(' ', {', '.join(map(at, self.names))})"
        text = {unit: f"{at(name)}::VARCHAR" for unit, name in self.columns}
        if "day" in text:
            day = f"regexp_replace(trim({text['day']}), '{MIDNIGHT}', '')"
        else:
            day = _joined([_padded(text[unit], unit) for unit in ("year", "month", "day of month")], "-")
        if "clock" in text:
            return f"concat_ws(' ', {day}, {self._clock(text['clock'])})"
        if "hour" in text:
            parts = [
                _padded(text[unit], unit) if unit in text else "'00'" for unit in ("hour", "minute", "second")
            ]
            return f"concat_ws(' ', {day}, {_joined(parts, ':')})"
        return day

    def _clock(self, text: str) -> str:
        bare = f"regexp_replace(trim({text}), '{SPREADSHEET_DAY}', '')"
        if not self.clock_digits:
            return f"nullif({bare}, '')"
        digits = _filled(f"regexp_replace(trim({text}), '\\.0+$', '')", self.clock_digits)
        pairs = self.clock_digits // 2
        found, replacement = r"(\d\d)" * pairs, ":".join(rf"\{place}" for place in range(1, pairs + 1))
        return f"regexp_replace({digits}, '^{found}$', '{replacement}')"


@dataclass(frozen=True)
class MomentInPath:
    """A day or a time in the path of each file, and in no column.

    Attributes:
        pattern: a regular expression of RE2 for a whole path.
        replacement: what it makes of the path, such as `31-01-2024`.
    """

    pattern: str
    replacement: str

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of a scan that hold it."""
        return ("_file",)

    def sql(self, at: Callable[[str], str]) -> str:
        """SQL for the text of the time; the whole path if it has none."""
        return f"regexp_replace({at('_file')}, {literal(self.pattern)}, {literal(self.replacement)})"


def _padded(text: str, unit: str) -> str:
    """SQL of a number with leading zeros, which may have become a decimal one."""
    return _filled(f"regexp_replace(trim({text}), '\\.0+$', '')", _WIDTHS.get(unit, 2))


def _filled(text: str, width: int) -> str:
    return f"lpad(nullif({text}, ''), greatest({width}, length({text}))::INTEGER, '0')"


def _joined(parts: list[str], sign: str) -> str:
    return f" || '{sign}' || ".join(parts)
