"""Message: one OpenLineage event, ready to be sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One OpenLineage event, ready to be sent.

    Attributes:
        id: the same each time the event is made: `<run id>/<START|COMPLETE|FAIL|ABORT>`; for events of datasets and
            jobs `<kind>/<namespace>/<name>/<change>`.
        run: the OpenLineage run id, since whole runs are sent again together; None for events of datasets and jobs.
        key: `<namespace>/<name>` of the job, or of the dataset: events of one key stay in order.
        record: id of its record.
        cursor: a cursor of the table of records; everything up to it is in the messages so far.
        body: the event as JSON, UTF-8, exactly what is sent.
        fault: the reason why a record could not be translated; `body` is empty then.
    """

    id: str
    run: str | None
    key: str
    record: str
    cursor: int
    body: bytes
    fault: str | None = None
