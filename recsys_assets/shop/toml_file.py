"""TOML files that people write for the shop: read into pydantic models, with faults reported by line and advice."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from recsys_lineage.errors import LineageError, did_you_mean

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_Model = TypeVar("_Model", bound=BaseModel)
_WORDS = {
    "tuple_type": "a list",
    "string_type": "a text, in quotes",
    "model_type": "a table",
    "missing": "a value",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "greater_than_equal": "a number of at least {ge}",
    "less_than_equal": "a number of at most {le}",
    "greater_than": "a number above {gt}",
    "less_than": "a number below {lt}",
    "finite_number": "a finite number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "literal_error": "{expected}",
    "date_from_datetime_inexact": "a day without a time of day",
}
"""Expected values by pydantic's type of error, for errors whose own text speaks of Python."""


class TomlPart(BaseModel):
    """A table of such a file, with the keys of its fields and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)

    @field_validator("*", mode="before")
    @classmethod
    def _of_its_own_kind(cls, value: Any, field: ValidationInfo) -> Any:
        """Refuse values that pydantic would convert to a number: booleans, and a number in quotes."""
        kinds = set(_kinds_of(cls.model_fields[str(field.field_name)].annotation))
        if kinds & {int, float} and isinstance(value, bool) and bool not in kinds:
            raise ValueError("a number")
        if kinds & {int, float} and isinstance(value, str) and str not in kinds:
            raise ValueError("a number, without quotes")
        return value


def read_toml(
    path: Path, kind: type[_Model], error: type[LineageError], what: str, content: bytes | None = None
) -> tuple[_Model, str]:
    """Content of a file, and its text; a missing file is empty.

    Args:
        path: the file.
        kind: the pydantic model of its content.
        error: class of the error for an invalid file.
        what: name of the file's content for messages, such as `experiments`.
        content: the file's bytes, if they were read before.

    Raises:
        LineageError: of the class `error`; the file is not TOML, or does not fit `kind`; the message has the line.
    """
    data, text = toml_of(path, error, what, content)
    try:
        return kind.model_validate(data), text
    except ValidationError as fault:
        raise _wrong(fault, text, path, kind, error) from None


def _content(path: Path, error: type[LineageError], what: str) -> bytes:
    """The bytes of a file; empty if it is missing.

    A broken link is an error, because a file was intended, and so is a pipe, because opening it would block.
    """
    if path.is_file():
        return path.read_bytes()
    if not os.path.lexists(path):
        return b""
    raise error(
        f"The file of {what} cannot be read.",
        expected="a file",
        found="a folder"
        if path.is_dir()
        else "something else"
        if path.exists()
        else "a link that leads nowhere",
        where=str(path),
        advice="put the file there; without one, delete what is there",
    )


def toml_of(
    path: Path, error: type[LineageError], what: str, content: bytes | None = None
) -> tuple[dict[str, Any], str]:
    """The tables and values of a TOML file, and its text; a missing file is empty.

    Raises:
        LineageError: of the class `error`; it is not TOML, not UTF-8, or not a file.
    """
    try:
        if content is None:
            content = _content(path, error, what)
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
        return tomllib.loads(text), text
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise error(
            f"The file of {what} cannot be read.",
            expected="TOML in UTF-8",
            found=str(fault),
            where=str(path),
            advice="save the file as UTF-8"
            if isinstance(fault, UnicodeDecodeError)
            else "correct the place that is named",
        ) from fault


def line_of(text: str, place: Sequence[Any]) -> int:
    """The line of a key, or of the table that should hold it; the first line if it is unknown."""
    lines = text.splitlines()
    at, name = 0, ""
    for part in place:
        if isinstance(part, str):
            name = f"{name}.{part}" if name else part
            header = re.compile(rf"\s*\[{{1,2}}\s*{re.escape(name)}\s*\]")
            key = re.compile(rf"\s*(?:{re.escape(part)}|\"{re.escape(part)}\")\s*[=.]")
            tables = [index for index, line in enumerate(lines) if header.match(line)]
            table = next((index for index in tables if index >= at), tables[0] if tables else None)
            found = next((index for index in range(at, len(lines)) if key.match(lines[index])), None)
            if table is not None:
                at = table
            elif found is not None and not _is_table(lines, name):
                at = found
        else:
            header = re.compile(rf"\s*\[\[\s*{re.escape(name)}\s*\]\]")
            places = [index for index in range(at, len(lines)) if header.match(lines[index])]
            if part < len(places):
                at = places[part]
    return at + 1


def _wrong(
    fault: ValidationError, text: str, path: Path, kind: type[BaseModel], error: type[LineageError]
) -> LineageError:
    """The error for the first fault that pydantic found, with its line; an unknown key explains a missing one."""
    found = fault.errors(include_url=False)
    first = next((each for each in found if each["type"] == "extra_forbidden"), found[0])
    wanted = _WORDS.get(first["type"], "{msg}").format(
        **first.get("ctx", {}), msg=first["msg"].removeprefix("Value error, ")
    )
    place: list[Any] = list(first["loc"])
    key = str(place[-1]) if place else ""
    advice = "correct the line"
    if first["type"] == "extra_forbidden":
        fields = _model_at(kind, place[:-1]).model_fields
        advice = did_you_mean(key, fields) or f"there are {', '.join(fields)}"
    elif first["type"] == "literal_error" and isinstance(first["input"], str):
        advice = did_you_mean(first["input"], re.findall(r"'([^']*)'", wanted)) or advice
    elif first["type"] == "tuple_type" and isinstance(first["input"], dict):
        advice = f"begin each of them with [[{key}]]"
    missing = first["type"] == "missing"
    return error(
        f"{_place_text(place)} is missing." if missing else f"{_place_text(place)} cannot be used.",
        expected=None if first["type"] == "extra_forbidden" else wanted,
        found=None if missing or isinstance(first["input"], dict) else repr(first["input"]),
        where=f"{path}:{line_of(text, place[:-1] if missing else place)}",
        advice="add the line" if missing else advice,
    )


def _model_at(kind: type[BaseModel], place: Sequence[Any]) -> type[BaseModel]:
    """The pydantic model of the table at a place."""
    for part in place:
        if isinstance(part, str) and part in kind.model_fields:
            kind = next(_models_in(kind.model_fields[part].annotation), kind)
    return kind


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _kinds_of(annotation: Any) -> Iterator[Any]:
    """The plain types that a value may be of."""
    if get_args(annotation):
        for part in get_args(annotation):
            yield from _kinds_of(part)
    else:
        yield annotation


def _place_text(place: Sequence[Any]) -> str:
    words = [f"{part + 1}" if isinstance(part, int) else str(part) for part in place]
    return " ".join(words) or "The file"


def _is_table(lines: Sequence[str], name: str) -> bool:
    return any(re.match(rf"\s*\[\[\s*{re.escape(name)}\s*\]\]", line) for line in lines)
