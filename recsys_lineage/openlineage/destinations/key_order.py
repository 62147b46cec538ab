"""Key order: several messages in flight at once, with those of one key in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait

from recsys_lineage.openlineage.destinations.destination import Answer
from recsys_lineage.openlineage.message import Message


def belong_in_order(one: str, other: str) -> bool:
    """Whether events of two keys must keep their order: those of one job, and of a job and its parent.

    A job's name starts with its parent's (`<parent>.<name>`), so a parent's START arrives before its children, and its
    end after them.
    """
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def in_order(
    messages: Sequence[Message], send: Callable[[Message], Answer], pool: Executor, most: int
) -> list[Answer | None]:
    """Send messages in parallel; a message waits for all earlier ones whose order with it matters.

    Once one was not accepted, no further one is begun.

    Args:
        messages: in order.
        send: sends one.
        pool: the thread pool for these calls.
        most: the most messages in flight; the pool has as many workers, so that none starts late.

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
