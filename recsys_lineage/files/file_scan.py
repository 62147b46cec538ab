"""FileScan: the files of a source and the options for reading them."""

from __future__ import annotations

from dataclasses import dataclass

OptionValue = str | bool | int | tuple[str, ...]


@dataclass(frozen=True)
class FileScan:
    """One `read_csv(…)` or `read_parquet(…)` of a source: its files and its options."""

    function: str
    pattern: str
    options: tuple[tuple[str, OptionValue], ...] = ()

    def described(self) -> str:
        """The call with its options, for records and messages."""
        options = "".join(f", {name} = {value!r}" for name, value in self.options)
        return f"{self.function}('{self.pattern}'{options})"

    def __str__(self) -> str:
        return f"{self.function}('{self.pattern}')"
