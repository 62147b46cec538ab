"""Named states: states of orders in codes, which another file of the shop names, as databases of shops keep them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from recsys_assets.proposal.names.order_states import came_to_nothing, is_code
from recsys_assets.proposal.orders.ended_orders import MOST_ENDED, EndedOrders
from recsys_assets.proposal.sample.sampled_files import SampledFiles

_NO_STATE = ("0", "")
"""Codes of orders without a state, which no file names."""


def with_named_states(groups: Sequence[SampledFiles]) -> list[SampledFiles]:
    """The groups of files, with the names that other files give to the codes of their states.

    Lines of orders whose state is so named as one that came to nothing are left out like others.
    """
    tables = [files for files in groups if files.state_table]
    found = []
    for files in groups:
        others = [table for table in tables if table is not files]
        names = {
            column: called
            for column, codes in files.state_codes.items()
            if (called := _called(files, column, codes, others))
        }
        ended = {
            column: _ended(files.state_codes[column], called, files.rows) for column, called in names.items()
        }
        shown = {column: {code: called[code][0] for code in called} for column, called in names.items()}
        found.append(replace(files, ended={**files.ended, **ended}, state_names=shown))
    return found


def _called(
    files: SampledFiles, column: str, codes: EndedOrders, tables: Sequence[SampledFiles]
) -> Mapping[str, tuple[str, ...]]:
    """Code → its names, by the table of states whose own name is most like that of the column; empty if no table has
    all the codes, or several equally alike tables differ in what came to nothing."""
    meant = _words(f"{files.pattern} {column}")
    fitting = [
        (len(meant & _words(f"{table.pattern} {' '.join(table.state_table)}")), called)
        for table in tables
        if (called := _names(table.state_table, [*codes.states]))
    ]
    best = [called for alike, called in fitting if alike == max(rank for rank, _ in fitting)]
    ways = {frozenset(code for code in codes.states if _ends(called.get(code, ()))) for called in best}
    return best[0] if len(ways) == 1 else {}


def _names(table: Mapping[str, Sequence[str | None]], codes: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Code → the texts beside it, by the first column of a table that has all the codes; empty if none has.

    Codes that the orders do not have yet are among them.
    """
    required = {_code(code) for code in codes if code not in _NO_STATE}
    for key, ids in table.items():
        if not required or not required <= {*map(_code, ids)}:
            continue
        names: dict[str, list[str]] = {}
        for place, id_ in enumerate(map(_code, ids)):
            texts = [values[place] for other, values in table.items() if other != key]
            names.setdefault(id_, []).extend(text for text in texts if text and not is_code(text))
        written = {_code(code): code for code in codes}
        called = {written.get(code, code): tuple(found) for code, found in names.items() if code and found}
        if required <= {*map(_code, called)}:
            return called
    return {}


def _ended(codes: EndedOrders, called: Mapping[str, tuple[str, ...]], rows: int) -> EndedOrders:
    counts = {**dict.fromkeys(called, 0), **codes.states}
    states = {code: count for code, count in counts.items() if _ends(called.get(code, ()))}
    ended = sum(states.values())
    if ended > MOST_ENDED * rows:
        states, ended = {}, 0
    counted = tuple(code for code in (*codes.counted, *counts) if code not in states)
    return replace(codes, states=states, rows=ended, counted=tuple(dict.fromkeys(counted)))


def _ends(texts: Sequence[str]) -> bool:
    return any(map(came_to_nothing, texts))


def _code(text: str | None) -> str:
    """A code as both files write it."""
    return re.sub(r"\.0+$", "", (text or "").strip().casefold())


def _words(text: str) -> set[str]:
    """The words of names, in the singular."""
    return {word.removesuffix("s") for word in re.findall("[a-z]+", text.casefold().rpartition("/")[2])}
