"""Key order: several messages in flight at once, while those of one key stay in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait

from recsys_lineage.openlineage.destinations.destination import Answer
from recsys_lineage.openlineage.message import Message


def belong_in_order(one: str, other: str) -> bool:
    """Whether events of two keys must keep their order: those of one job, and of a job and its parent.

    A job is called by its parent (`<parent>.<name>`), so a parent's START is there before what it started, and its end
    behind it.
    """
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def in_order(
    messages: Sequence[Message], send: Callable[[Message], Answer], pool: Executor, most: int
) -> list[Answer | None]:
    """Send messages side by side; a message waits for all before it that it belongs in an order with.

    Once one was not taken, no further one is begun.

    Args:
        messages: in order.
        send: sends one.
        pool: where it is called.
        most: how many are under way at once; the pool has as many workers, so that none is begun later than here.

    Returns:
        The answers; None where a message was not sent.
    """
    answers: list[Answer | None] = [None] * len(messages)
    waiting = list(range(len(messages)))
    under_way: dict[Future[Answer], int] = {}
    failed = False
    while under_way or (waiting and not failed):
        if not failed:
            before: list[str] = [messages[place].key for place in under_way.values()]
            still: list[int] = []
            for place in waiting:
                key = messages[place].key
                if len(under_way) == most or any(belong_in_order(key, other) for other in before):
                    still.append(place)
                else:
                    under_way[pool.submit(send, messages[place])] = place
                before.append(key)
            waiting = still
        done, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for each in done:
            answer = answers[under_way.pop(each)] = each.result()
            failed = failed or answer.kind != "taken"
    return answers
