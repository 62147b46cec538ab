"""Ids that are probably one, written in several ways: in another case, without zeros, with signs between thousands, in
letters that look alike."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from recsys_lineage.sql.names import literal

_CYRILLIC = "\u0430\u0432\u0435\u0456\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0455\u0458"
_GREEK = "\u03b1\u03b2\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03b6"
_WIDE = "".join(map(chr, range(0xFF10, 0xFF1A))) + "".join(map(chr, range(0xFF41, 0xFF5B)))
LOOKALIKES = _CYRILLIC + _GREEK + _WIDE
"""Small letters and digits of other alphabets and of full width."""
LATIN = "abeikmhopctyxsj" + "abeikvoptuxz" + "0123456789" + "abcdefghijklmnopqrstuvwxyz"
"""The ASCII character that each of them looks like."""
_TO_LATIN = str.maketrans(LOOKALIKES, LATIN)
_GROUPED = r"^[0-9]{1,3}([,.'\x{2019}\x{a0}\x{202f} ][0-9]{3})+$"
"""Pattern of a whole number with signs between its thousands, as spreadsheets write them."""
_GROUPED_TEXT = re.compile(re.sub(r"\\x\{(\w+)\}", lambda found: chr(int(found[1], 16)), _GROUPED))


def alike_sql(id_: str) -> str:
    """SQL for what all ways of writing an id have in common, given its own SQL."""
    plain = f"translate(lower({id_}), {literal(LOOKALIKES)}, {literal(LATIN)})"
    digits = f"CASE WHEN regexp_matches({plain}, {literal(_GROUPED)}) THEN regexp_replace({plain}, '[^0-9]', '', 'g') "
    return f"regexp_replace({digits}ELSE {plain} END, '^0+', '')"


def alike_ids(ids: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of different ids that are probably one, each in order, the groups in the order of their first ids."""
    ways: dict[str, dict[str, None]] = defaultdict(dict)
    for id_ in ids:
        bare = id_.strip()
        plain = bare.lower().translate(_TO_LATIN)
        plain = re.sub("[^0-9]", "", plain) if _GROUPED_TEXT.match(plain) else plain
        ways[plain.lstrip("0")][bare] = None
    return [(*group,) for group in ways.values() if len(group) > 1]
