"""Derivation cache: results for a text and its input columns."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping

from recsys_lineage.columns.binding.inputs import Input, Inputs
from recsys_lineage.columns.column_edge import ColumnEdge

Lineage = dict[str, list[ColumnEdge]]
_MOST = 4096


class Answers:
    """The last few thousand results in this process, each with the inputs that were looked up, whether found or not."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, tuple[Mapping[str, Input | None], Lineage]] = OrderedDict()

    def find(self, question: Hashable, inputs: Inputs) -> Lineage | None:
        """The cached result, if each input that it depends on is unchanged."""
        with self._lock:
            known = self._known.get(question)
            if known is None:
                return None
            self._known.move_to_end(question)
        looked_up, answer = known
        if any(inputs.find(name) != found for name, found in looked_up.items()):
            return None
        return {column: list(edges) for column, edges in answer.items()}

    def store(self, question: Hashable, inputs: Inputs, answer: Lineage) -> None:
        """Cache a result with the inputs that it depends on."""
        with self._lock:
            copied = {column: list(edges) for column, edges in answer.items()}
            self._known[question] = (dict(inputs.looked_up), copied)
            self._known.move_to_end(question)
            while len(self._known) > self._most:
                _ = self._known.popitem(last=False)
