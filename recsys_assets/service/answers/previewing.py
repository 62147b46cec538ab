"""Previewing: items as answers show them, and a customer's list as a preview for the shop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from recsys_assets.service.answers.computed_list import ComputedList
from recsys_assets.service.answers.drafting import Shown
from recsys_assets.service.answers.serving import Chosen

LATEST = 20
"""Number of a customer's latest actions that are shown."""
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def items_as_json(
    shown: Sequence[Shown], because: Sequence[Sequence[dict[str, Any]]], *, credited: bool
) -> list[dict[str, Any]]:
    """The items of a list, in the format of an answer.

    Args:
        because: for each list that items come from, the reason for each item; empty without a request for reasons.
        credited: whether two arms share the list, so that each item names its arm.
    """
    return [
        {
            "item": each.item,
            "title": each.title,
            "position": place,
            "score": each.score,
            "propensity": each.propensity,
            **({"credit": each.credit} if credited else {}),
            **(because[each.source[0]][each.source[1]] if because else {}),
            **({"placed_by": "explored"} if because and each.explored else {}),
        }
        for place, each in enumerate(shown, 1)
    ]


def previewed(chosen: Chosen, listed: ComputedList, items: list[dict[str, Any]]) -> dict[str, Any]:
    """A customer's list with its origins, and their latest actions."""
    served = chosen.variant.served
    past = listed.past
    # of what was done at one moment, in the order of items, so that it is told the same again
    latest = np.argsort(-past.times, kind="stable")[:LATEST].tolist()
    return {
        "model_table": served.table,
        "model_version": served.version,
        "record": served.record,
        "family": served.model.name,
        "arm": chosen.arm,
        "experiments": chosen.arms,
        "cold": listed.cold,
        "items": items,
        "history": int(past.items.size),
        "since_the_fit": len(listed.actions),
        "did": [
            {
                "item": served.item_ids[int(past.items[row])],
                "title": served.titles[int(past.items[row])],
                "behaviour": listed.names[int(past.behaviours[row])],
                "times": int(past.weights[row]),
                "last": _EPOCH + timedelta(microseconds=int(past.times[row])),
            }
            for row in latest
        ],
    }
