"""Vocabulary: the texts allowed in metadata that an asset's code returns, because records keep metadata for ever.

Code may paste a cell of a table into a statistic or a check's message. So only texts known to be harmless stay: string
constants of the code, names of tables, columns, partitions, files and parameters, texts in the records of its inputs,
numbers that are also returned as numbers, values that many people share (`Inputs.shared_values`), and texts that the
code vouches for (`Inputs.vouch_for`). The rest becomes `…`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

import sqlglot
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

from recsys_lineage.assets.asset_code import AssetCode
from recsys_lineage.assets.code.code_constants import bound_values, constants_for, sql_texts
from recsys_lineage.assets.json_values import leaves, numbers_of, plain_number, texts_of
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.records.materialization import Materialization, Statement, TrainingData
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.parts.failure import LEFT_OUT, as_utf8
from recsys_lineage.records.parts.secret_names import is_secret
from recsys_lineage.records.parts.seen import is_day
from recsys_lineage.records.parts.withheld import is_withheld, withheld
from recsys_lineage.sql.names import literal

_SHORTEST_CONSTANT = 3
_LONGEST_ENDING = 2
_CHUNK = re.compile(r"\s+|[^\s]+")
_WORD = re.compile(r"[^\W_]+")
# words with one sign between two, as in `rows=5`: no addresses and no strings of signs
_JOINED = re.compile(r"(?:[^\w@]|_)?[^\W_]+(?:(?:[^\w@]|_)[^\W_]+)*[^\w@]?")
_LETTER = re.compile(r"[^\W\d_]")
_NUMBER = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+|[-+]?(?:0|[1-9]\d*)")
_FRACTION = re.compile(
    r"[-+]?(?:[1-9][\d,]*|0)?\.\d+(?:e[-+]?\d+)?%?|[-+]?\d+%|[-+]?\d\.?\d*e[-+]?\d+", re.IGNORECASE
)
_PLACE = re.compile(r"(?<=\D)(?::\d+){1,2}$")
_LONG_NUMBER = re.compile(r"\d{4}")
"""A number that could identify a person; shorter ones are counts and places."""
_EDGES = "()[]{}<>.,;:!?\"'`=*…"


class Vocabulary:
    """The words of one attempt to make an asset.

    Args:
        asset: the asset.
        inputs: its Inputs; None where it failed before its first read.
        records: the records of the tables that were read, loaded only if a text needs them.
        names: further names, such as partitions.
    """

    def __init__(
        self,
        asset: AssetCode,
        inputs: Inputs | None = None,
        records: Iterable[Materialization] = (),
        names: Iterable[str] = (),
    ) -> None:
        self._asset, self._inputs, self._records, self._more_names = asset, inputs, records, names

    def plain(self, value: Any, numbers: Collection[float] = ()) -> Any:
        """A JSON value with possible cells of a table masked; numbers, which are counts, stay.

        Args:
            value: its texts, keys of objects included, are masked except for known words.
            numbers: numbers returned along with it, which a text may repeat.
        """
        if isinstance(value, str):
            return self._text(value, {*numbers})
        if isinstance(value, Mapping):
            found: dict[str, Any] = {}
            for key, held in value.items():
                name, kept = self._text(str(key), {*numbers}), self.plain(held, numbers)
                # of names that are left out their counts add up
                both = name in found and all(isinstance(each, int | float) for each in (found[name], kept))
                found[name] = found[name] + kept if both else kept
            return found
        if isinstance(value, list | tuple):
            return [self.plain(held, numbers) for held in value]
        if isinstance(value, set | frozenset):
            return sorted((self.plain(held, numbers) for held in value), key=str)
        if value is None or (number := plain_number(value)) is None:
            return (
                value if value is None else self._text(str(value), {*numbers})
            )  # such as a date, unknown to JSON
        return number

    def recorded_statement(self, statement: Statement) -> Statement:
        """The values given to the engine, masked for the record: code stays, values from data do not.

        A parameter stays if it is one of the asset's own parameters, or if its texts and numbers are known; otherwise
        it is replaced by its type and count. A literal in a statement built by Python becomes `…` unless it is in the
        code.
        """
        own = self._asset.parameters
        found = {
            name if name in own or self._is_identifier_of_code(name) else LEFT_OUT: own[name]
            if name in own and (is_withheld(own[name]) or own[name] == value)
            else self._bound(name, value)
            for name, value in statement.parameters.items()
        }
        text = statement.text if self._asset.code.kind == "sql" else self.sql(statement.text)
        return replace(statement, text=text, parameters=found)

    def training_data(self, data: TrainingData) -> TrainingData:
        """Training data of a model, whose condition is masked like a statement."""
        table = data.table if self._is_named(data.table) else self._text(data.table, set())
        return replace(data, table=table, predicate=self.sql(data.predicate))

    def _bound(self, name: str, value: Any) -> Any:
        if is_secret(name, value):
            return withheld(value)
        return value if all(map(self._may_be_bound, leaves(value))) else withheld(value)

    def _may_be_bound(self, value: Any) -> bool:
        if value is None or isinstance(value, bool | date):
            return True
        if isinstance(value, int | float):
            return abs(value) in self._numbers
        return isinstance(value, str) and (is_day(value) or self._may_be_recorded(value))

    def _may_be_recorded(self, text: str) -> bool:
        """Whether a text is a constant of the code, a name, or the place of a row in a file that was read."""
        return self._is_named(_PLACE.sub("", text)) or text in self._code[0] or self.plain(text) == text

    def sql(self, text: str) -> str:
        """SQL that Python made, with literals, identifiers and comments masked that are not in the code."""
        try:
            tokens = sqlglot.tokenize(text, read="duckdb")
        except TokenError:
            return LEFT_OUT
        pieces: list[str] = []
        end = 0
        for token in tokens:
            pieces += [_blank(text[end : token.start]), self._token(token, text[token.start : token.end + 1])]
            end = token.end + 1
        return "".join([*pieces, _blank(text[end:])])

    def _token(self, token: Token, text: str) -> str:
        if token.token_type.name.endswith("STRING"):
            return text if self._is_literal_of_code(token.text) else f"'{LEFT_OUT}'"
        if token.token_type == TokenType.NUMBER:
            is_plain = not _LONG_NUMBER.search(token.text) or self._is_number(token.text, set())
            return text if is_plain else f"'{LEFT_OUT}'"
        if token.token_type in (TokenType.VAR, TokenType.IDENTIFIER):
            return text if self._is_identifier_of_code(token.text) else f'"{LEFT_OUT}"'
        return text

    def _is_identifier_of_code(self, name: str) -> bool:
        """Whether an identifier consists of words of the code and of names, and of numbers that only count."""
        words = _WORD.findall(name)
        return self._is_named(name) or all(
            word.lower() in self._sql_words or (word.isdecimal() and not _LONG_NUMBER.search(word))
            for word in words
        )

    def _is_literal_of_code(self, text: str) -> bool:
        quoted = literal(text)
        return (
            is_day(text)
            or self._may_be_recorded(text)
            or any(quoted in constant for constant in self._code[0])
        )

    def outcome(self, found: CheckOutcome, counts: Collection[float] = ()) -> CheckOutcome:
        """Outcome of a check's function with possible cells of a table masked; `counts` are further numbers that it may
        name."""
        numbers = [*numbers_of(found.counts), len(found.where), *counts]
        files = {place.rpartition(":")[0] for place in found.where} - self._names
        traced = self._inputs.traced_files(files) if files and self._inputs is not None else frozenset()
        return replace(
            found,
            name=self._text(found.name, set()),
            found=self._text(found.found, {*numbers}),
            columns=tuple(column for column in found.columns if column in self._names),
            counts=self.plain(found.counts),
            where=tuple(self._place(place, traced) for place in found.where),
        )

    def _place(self, place: str, traced: Collection[str]) -> str:
        file, _, line = place.rpartition(":")
        known = file in self._names or file in traced
        return place if line.isdecimal() and known else self._text(place, set())

    def _text(self, text: str, numbers: set[float]) -> str:
        text = as_utf8(text)
        if self._is_named(text) or not text.strip():
            return text
        kept = bytearray(len(text))
        for constant in self._constants:
            if len(constant) > len(text):
                continue
            start = text.find(constant)
            while start >= 0:
                end = start + len(constant)
                if _ends_words(text, start, end):
                    kept[start:end] = b"\1" * len(constant)
                start = text.find(constant, end)
        pieces: list[str] = []
        for match in _CHUNK.finditer(text):
            chunk = match[0]
            if chunk.isspace() or all(kept[match.start() : match.end()]) or self._is_named(chunk):
                pieces.append(chunk)
            else:
                pieces.append(self._chunk(chunk, kept[match.start() : match.end()], numbers))
        return re.sub(rf"{LEFT_OUT}(?:\s*{LEFT_OUT})+", LEFT_OUT, "".join(pieces))

    def _chunk(self, chunk: str, kept: bytearray, numbers: set[float]) -> str:
        """A text between two blanks: it stays whole or is masked except for its punctuation, so that no part of a value
        stays."""
        core = chunk.strip(_EDGES)
        if "." in core or "/" in core:
            core = _PLACE.sub("", core)
        start = chunk.find(core)
        if not core or self._is_named(core) or self._is_number(core, numbers):
            return chunk
        marks = kept[start : start + len(core)]
        rest = "".join(" " if mark else letter for letter, mark in zip(core, marks, strict=True))
        words = _WORD.findall(rest)
        # two numbers that each are known may be put together to one that is not, such as that of a telephone
        few = sum(map(str.isdecimal, words)) <= 1
        joined = all(_JOINED.fullmatch(piece) for piece in rest.split() if _WORD.search(piece))
        if few and joined and all(self._is_word(word, numbers) for word in words):
            return chunk
        return chunk[:start] + LEFT_OUT + chunk[start + len(core) :]

    def _is_number(self, text: str, numbers: set[float]) -> bool:
        """Whether a text is a computed number: one with a fraction, or one that is also returned as a number."""
        if _FRACTION.fullmatch(text):
            return True
        if not _NUMBER.fullmatch(text):
            return False
        value = abs(int(text.replace(",", "")))
        return value in numbers or value in self._numbers

    def _is_word(self, word: str, numbers: set[float]) -> bool:
        if word in self._words or any(word in _WORD.findall(value) for value in self._shared):
            return True
        return word.isdecimal() and self._is_number(word, numbers)

    def _is_named(self, text: str) -> bool:
        return text in self._names or text in self._shared or text in self._vouched

    # --- what is known -------------------------------------------------------------------------------------

    @property
    def _shared(self) -> Collection[str]:
        return () if self._inputs is None else self._inputs.shared

    @property
    def _vouched(self) -> Collection[str]:
        return () if self._inputs is None else self._inputs.vouched

    @cached_property
    def _names(self) -> frozenset[str]:
        asset, names = self._asset, {*self._more_names, self._asset.code.origin}
        names |= {asset.name, *asset.upstream, *asset.looks_at, *asset.parameters, *asset.options}
        names |= {*texts_of(dict(asset.parameters)), *asset.column_descriptions}
        names |= self._inputs.names_made if self._inputs is not None else set()
        for read in self._inputs.reads if self._inputs is not None else ():
            names |= {read.name, *(column.name for column in read.schema), *(read.partitions or ())}
        names |= {check.name for check in asset.checks}
        return frozenset(names)

    @cached_property
    def _words(self) -> frozenset[str]:
        """Words that are names or parts of names, and words from the code.

        Shorter texts, such as the `v` of a format, do not count: they may be pieces from which a value is built.
        """
        names = frozenset(
            word for name in (*self._names, *self._of_records[0]) for word in _WORD.findall(name)
        )
        return names | _whole_words(self._code[0])

    @cached_property
    def _sql_words(self) -> frozenset[str]:
        """Words in the code's constants, among which are pieces of SQL, and in names, in lower case."""
        names = (*self._names, *self._asset.parameters)
        return _lower_words(self._code[0]) | {word.lower() for name in names for word in _WORD.findall(name)}

    @cached_property
    def _constants(self) -> tuple[str, ...]:
        """String constants of the code, longest first."""
        named = (*self._names, *self._vouched)
        others = {*self._of_records[0], *(name for name in named if _has_blanks(name))}
        found = _phrases(self._code[0]) | {text for text in others if _has_words(text)}
        return tuple(sorted(found, key=len, reverse=True))

    @cached_property
    def _numbers(self) -> frozenset[float]:
        bound = [
            dict(self._asset.parameters),
            *(bound_values(check.function) for check in self._asset.checks),
        ]
        return self._code[1] | self._of_records[1] | {*numbers_of(bound)}

    @cached_property
    def _of_records(self) -> tuple[frozenset[str], frozenset[float]]:
        """Texts and numbers in the records of the tables that were read."""
        recorded = [
            (
                dict(record.statistics),
                dict(record.parameters),
                [[check.found, dict(check.counts)] for check in record.checks],
                sql_texts(record.code.text) if record.code.kind == "sql" else (),
            )
            for record in self._records
        ]
        return frozenset(texts_of(recorded)), frozenset(numbers_of(recorded))

    @cached_property
    def _code(self) -> tuple[frozenset[str], frozenset[float]]:
        """String and number constants of the code that runs for the asset, its checks included."""
        return constants_for(self._asset)


# An asset's code has thousands of texts, the same at each attempt, and assets of one project mostly the same.


@lru_cache(maxsize=64)
def _whole_words(texts: frozenset[str]) -> frozenset[str]:
    """The texts that are one word."""
    return frozenset(text for text in texts if _WORD.fullmatch(text) and _has_words(text))


@lru_cache(maxsize=64)
def _lower_words(texts: frozenset[str]) -> frozenset[str]:
    """Every word in the texts, in lower case."""
    return frozenset(word.lower() for text in texts for word in _WORD.findall(text))


@lru_cache(maxsize=64)
def _phrases(texts: frozenset[str]) -> frozenset[str]:
    """The texts that consist of words, with and without the blanks around them."""
    return frozenset(each for text in texts for each in (text, text.strip()) if _has_words(each))


def _blank(between: str) -> str:
    """Text between two tokens, without comments."""
    return between if not between.strip() else " "


def _has_words(text: str) -> bool:
    """Whether a constant consists of words, rather than of letters or digits from which values are built."""
    return len(text) >= _SHORTEST_CONSTANT and _LETTER.search(text) is not None


def _has_blanks(name: str) -> bool:
    return len(name.split()) > 1


def _ends_words(text: str, start: int, end: int) -> bool:
    """Whether a part of a text begins and ends with a word, or with an ending such as the s of a plural."""
    return _is_edge(text[:start][::-1], text[start:end]) and _is_edge(text[end:], text[start:end][::-1])


def _is_edge(outside: str, inside: str) -> bool:
    if not (outside[:1].isalnum() and inside[:1].isalnum()):
        return True
    word = _WORD.match(inside)
    return word is not None and len(word[0]) <= _LONGEST_ENDING
