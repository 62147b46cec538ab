"""Shop rules: the handling of ids, clocks and behaviours in `source.toml`, as parameters of the SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import ascii_letters, digits
from typing import Any
from zoneinfo import available_timezones

from recsys_lineage.errors import LineageError, did_you_mean
from recsys_models.multi_behaviour import FUNNEL

NO_VALUE = (
    r"\N", "null", "(null)", "<null>", "nan", "none", "nil", "<na>", "n/a", "#n/a", "#n/a n/a", "#n/d", "#nv",
    "#ref!", "#value!", "#name?", "#null!", "#num!", "#div/0!", "#wert!", "#bezug!", "#zahl!", "#valeur!", "#nom?",
    "#nombre!", "#nul!", "#valor!", "#¡valor!", "#¡ref!", "#¿nombre?", "#valore!", "#rif!", "undefined",
    "[object object]", "-", "--", "\u2013", "\u2014", ".", "?", "(not set)", "-nan", "n.a.", "[null]",
    "(none)", "(blank)", "(empty)", "(missing)", "{}", "00000000-0000-0000-0000-000000000000",
)  # fmt: skip
"""Texts that databases, spreadsheets and data frames write for a missing value; case does not matter."""
INVISIBLE = (
    r"[\x{00}-\x{08}\x{0E}-\x{1B}\x{7F}-\x{84}\x{86}-\x{9F}\x{AD}\x{34F}\x{61C}\x{115F}\x{1160}\x{17B4}\x{17B5}"
    r"\x{180B}-\x{180F}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{206F}\x{3164}\x{FE00}-\x{FE0F}\x{FEFF}\x{FFA0}"
    r"\x{FFF0}-\x{FFFB}\x{1BCA0}-\x{1BCA3}\x{1D173}-\x{1D17A}\x{E0000}-\x{E0FFF}]"
)
"""Control characters, and those that Unicode calls default-ignorable: byte order marks, zero-width spaces, …"""
SPACES = r"[\t\n\v\f\r\x{1C}-\x{1F}\x{85}\p{Z}]"
"""Every kind of space and of line end."""
ZONE = (
    r"( ?(Z|UTC|GMT|EST|MST|HST|CET|EET|MET|WET|[A-Z][A-Za-z]+(/[A-Za-z0-9_+-]+)+)"
    r"| ?[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)(\[[A-Za-z/_]+\])?"
)
"""Pattern of the zone behind a time: an offset, or an IANA name. Other abbreviations (BST, PST) have several meanings
and are not guessed."""
ZONED_TIME = rf"^[^:]+:[0-9:.]+{ZONE}$"
"""Pattern of a time with its zone."""
SCIENTIFIC = r"[+-]?[0-9]([.,][0-9]+)?[eE]\+[0-9]+|[+-]?[0-9][.,][0-9]+[eE][0-9]+"
"""Pattern of large numbers as spreadsheets and programs shorten them: their last digits are lost, so two ids may have
become one."""
NEVER = r"^([^\s\S])$"
"""Pattern that matches no text."""
BEHAVIOURS = tuple(name for step in FUNNEL for name in reversed(step))
"""Known behaviours, from the first view to the purchase; of names for the same step, the most frequent last."""


class SourceError(LineageError):
    """An invalid source folder."""


@dataclass(frozen=True, kw_only=True)
class ShopRules:
    """Rules of `source.toml` for ids, clocks and behaviours. The text below a rule stands in `docs/data.md`."""

    time_zone: str = "UTC"
    """the shop's clock, an IANA name: times with an offset are converted to it, others are taken as on it"""
    no_value: tuple[str, ...] = NO_VALUE
    """texts that mean "no value" in ids, texts and numbers; yours replace these"""
    whole_number_ids: bool = True
    """whether "17850.0" is the id "17850", and "'00123", as spreadsheets keep zeros, "00123\""""
    target_behaviour: str | None = None
    """behaviour that recommendations aim at; empty: purchase, or the furthest step that occurs"""

    def rule_parameters(self) -> dict[str, Any]:
        """The rules as bound parameters of the SQL; a statement uses those that it names."""
        texts = sorted({text.casefold() for text in self.no_value})
        number = any(text.isdecimal() for text in texts)
        return {
            "behaviours": list(BEHAVIOURS),
            "decimal_zeros": r"^(-?(?:0|[1-9][0-9]*))\.0+$" if self.whole_number_ids else NEVER,
            "invisible": INVISIBLE,
            "kept_zeros": "^'([0-9])" if self.whole_number_ids else NEVER,
            "no_value": f"^(?i:{'|'.join(map(re.escape, texts))})?$",
            "numbers_are_ids": not number,
            # what needs no look, which spares most rows of most shops the work
            "plain_id": "|".join([*(["[1-9][0-9]*"] * (not number)), _plain_text(texts, ascii_letters)]),
            "plain_text": _plain_text(texts),
            "spaces": SPACES,
            "target_behaviour": self.target_behaviour,
            "time_zone": self.time_zone,
            "zoned_time": ZONED_TIME,
        }


def _plain_text(no_value: list[str], first: str = ascii_letters + digits) -> str:
    """Pattern of texts that need no cleaning: visible ASCII, spaces inside, with another beginning than the texts of
    `no_value`.

    Args:
        no_value: texts in lower case.
        first: characters that they may begin with.
    """
    begun = {text[0] for text in no_value if text}
    long = "".join(each for each in first if each.lower() not in begun)
    short = "".join(each for each in first if each.lower() not in no_value)
    patterns = [f"[{long}][ -~]*[!-~]"] * bool(long) + [f"[{short}]"] * bool(short)
    return "|".join(patterns) or NEVER


def checked_rules(values: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The values of `source.toml`, with its rules validated and in the types of `ShopRules`.

    Raises:
        SourceError: a rule has the wrong type, or the time zone is unknown.
    """
    rules = dict(values)
    if "time_zone" in rules:
        _known_zone(rules["time_zone"], path)
    if "no_value" in rules:
        texts = rules["no_value"]
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise _wrong("no_value", 'a list of texts, such as ["NULL", "0"]', texts, path)
        rules["no_value"] = tuple(text.strip() for text in texts)
    if not isinstance(rules.get("whole_number_ids", True), bool):
        raise _wrong("whole_number_ids", "true or false", rules["whole_number_ids"], path)
    if "target_behaviour" in rules:
        target = rules["target_behaviour"]
        if not isinstance(target, str) or not target.strip():
            raise _wrong("target_behaviour", 'a behaviour, such as "purchase"', target, path)
        rules["target_behaviour"] = target.strip().lower()
    return rules


def _known_zone(name: object, path: Path) -> None:
    zones = available_timezones()
    if not isinstance(name, str) or name not in zones:
        near = did_you_mean(str(name), zones) or did_you_mean(
            str(name), {zone.split("/")[-1] for zone in zones}
        )
        raise SourceError(
            "The time zone of the source is unknown.",
            expected="an IANA time zone, such as UTC or Europe/Berlin",
            found=repr(name),
            where=f"{path}, time_zone",
            advice=near or "use the name of the shop's zone from the IANA list",
        )


def _wrong(name: str, expected: str, found: object, path: Path) -> SourceError:
    return SourceError(
        f"{name} of the source cannot be used.",
        expected=expected,
        found=repr(found),
        where=f"{path}, {name}",
        advice="correct the line, or take it out for the usual value",
    )
