"""MonthNames: times whose month is written as a word of a language, in full or short, as in `12. März 2024, 14:05`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from recsys_lineage.sql.names import literal

_MONTHS: Mapping[str, str] = {
    "German": "januar februar marz april mai juni juli august september oktober november dezember "
    "janner:1 mrz:3 maerz:3",
    "French": "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    "Spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre setiembre:9",
    "Italian": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "Portuguese": "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
    "Dutch": "januari februari maart april mei juni juli augustus september oktober november december mrt:3",
    "Polish": "sty lut mar kwi maj cze lip sie wrz paz lis gru",
    "Scandinavian": "januari februari mars april maj juni juli augusti september oktober november december "
    "januar:1 februar:2 marts:3 mai:5 august:8 desember:12",
    "Turkish": "ocak subat mart nisan mayıs haziran temmuz agustos eylul ekim kasım aralık",  # noqa: RUF001 - Turkish
    "Finnish": "tam hel maa huh tou kes hei elo syy lok mar jou",
    "Russian": "янв фев мар апр маи июн июл авг сен окт ноя дек мая:5",
    "English": "january february march april may june july august september october november december",
}
"""Language → its months in lower case and without accents, in their order, of inflected ones the stems; then other
names, with the month's number. English is the last, because most of its notations have formats of their own."""
_AFTER_DAY = r"(?:\.|er|[ºªoa]\b)?[\s./-]*(?:de )?"
_AFTER_YEAR = r"(?:\s*(?:г\.?|r\.))?"  # noqa: RUF001 - as Russian and Polish dates end
_BETWEEN = r"(?:[\s,/-]|um |kl\.? |klo |alle |ore |om |a las |as |a |o |в )*"


@dataclass(frozen=True)
class MonthNames:
    """A notation of times with the day first, then the month as a word, then the year, and perhaps a clock.

    Attributes:
        language: of the months.
        has_clock: whether a clock of 24 hours follows.
    """

    language: str
    has_clock: bool

    @property
    def way(self) -> str:
        """The notation in words."""
        return f"day, {self.language} month and year{' with HH:MM' if self.has_clock else ''}"

    @property
    def names(self) -> dict[str, int]:
        """Name or stem of each month → its number."""
        words = [word.partition(":") for word in _MONTHS[self.language].split()]
        return {word: int(number or place) for place, (word, _, number) in enumerate(words, start=1)}

    @property
    def months(self) -> dict[str, int]:
        """The shortest beginning of each name that no other month has, of three letters or more → its number."""
        return {
            next(
                name[:length]
                for length in range(3, len(name) + 1)
                if all(
                    other == number for each, other in self.names.items() if each[:length] == name[:length]
                )
            ): number
            for name, number in self.names.items()
        }

    @property
    def _word(self) -> str:
        """Pattern of the beginning of a month."""
        return "|".join(sorted(self.months, key=len, reverse=True))

    @property
    def _month(self) -> str:
        """Pattern with a group for the beginning of the month."""
        return rf"[0-9]{_AFTER_DAY}({self._word})"

    @property
    def _pattern(self) -> str:
        """Pattern of a whole time, with groups for its day, the last digits of its year, and its clock."""
        date = rf"([0-9]{{1,2}}){_AFTER_DAY}(?:{self._word})\pL*\.?,?[\s./-]*(?:del? )?(?:20)?([0-9]{{2}}){_AFTER_YEAR}"
        clock = rf"{_BETWEEN}([0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}})?)(?:\s*uhr)?" if self.has_clock else ""
        return rf"^[^0-9]*{date}{clock}\s*$"

    def read(self, texts: pl.Series) -> pl.Series:
        """The times of texts; null for those in another notation."""
        bare = texts.str.normalize("NFKD").str.replace_all(r"\pM", "").str.to_lowercase()
        bare = bare.str.replace_all("([0-9])h([0-9]{2})", "${1}:${2}")
        month = bare.str.extract(self._month).replace_strict(self.months, default=None, return_dtype=pl.Int64)
        month = pl.select(pl.when(self._are_its_words(bare)).then(month)).to_series()
        frame = pl.DataFrame([bare.alias("text"), month.cast(pl.String).alias("month")])
        day, year = (pl.col("text").str.extract(self._pattern, group) for group in (1, 2))
        clock = pl.col("text").str.extract(self._pattern, 3) if self.has_clock else pl.lit("0:00")
        seconds = pl.when(clock.str.count_matches(":") > 1).then(clock).otherwise(clock + ":00")
        text = pl.concat_str(
            pl.lit("20"), year, pl.lit("-"), pl.col("month"), pl.lit("-"), day, pl.lit(" "), seconds
        )
        return frame.select(text.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)).to_series()

    def _are_its_words(self, bare: pl.Series) -> pl.Series:
        """Mask of the texts with a month of the language in full or short, so that `janv.` is not German."""
        words = bare.str.extract(rf"[0-9]{_AFTER_DAY}(\pL+)")
        known = {
            word: any(word.startswith(name) or name.startswith(word) for name in self.names)
            for word in words.drop_nulls().unique()
        }
        return words.replace_strict(known, default=False, return_dtype=pl.Boolean)

    def sql(self, at: str) -> str:
        """SQL for the time of a text, given its own SQL; NULL for one in another notation."""
        bare = f"regexp_replace(lower(strip_accents({at})), '([0-9])h([0-9]{{2}})', '\\1:\\2')"
        months = ", ".join(f"{literal(word)}: {number}" for word, number in self.months.items())
        month = f"MAP {{{months}}}[regexp_extract({bare}, {literal(self._month)}, 1)]"
        clock = " \\3" if self.has_clock else ""
        iso = f"regexp_replace({bare}, {literal(self._pattern)}, '20\\2-' || {month} || '-\\1{clock}')"
        return f"TRY_CAST({iso} AS TIMESTAMP)"


MONTH_NAMES = {
    names.way: names
    for language in _MONTHS
    for clock in (False, True)
    for names in (MonthNames(language, clock),)
}
"""Notation in words → notation."""
