"""Events of definitions, by which a catalog learns of each asset's job at deployment, before any run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from recsys_lineage.openlineage.facets.described import job_facets
from recsys_lineage.openlineage.facets.jobs import code_facets, job_type_facet
from recsys_lineage.openlineage.facets.run_facets import iso_time
from recsys_lineage.openlineage.message import Message
from recsys_lineage.openlineage.translation.event_json import body_of, id_of, job_event, job_object, key_of
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.records.parts.run import Run

OF_NO_RECORD = "definitions"
_NO_CURSOR = -1


def definition_messages(
    options: EventOptions, moment: datetime, commit: str | None = None
) -> Iterator[Message]:
    """A JobEvent for each asset described in `options`, without inputs and outputs.

    Its id changes with the definition, not with the moment, so that each definition is sent once.

    Args:
        options: the options with the assets of a code location.
        moment: the time of the deployment.
        commit: the commit of the code.
    """
    for name, described in sorted(options.assets.items()):
        tags = {} if described.code_version is None else {"lineage/code_version": described.code_version}
        facets = {
            "jobType": job_type_facet("ASSET"),
            **({} if described.code is None else code_facets(described.code, commit, options)),
            **job_facets(described, tags),
        }
        event = job_event(iso_time(moment), job_object(options.asset_job(name, Run()), facets))
        yield Message(id_of(event), None, key_of(event), OF_NO_RECORD, _NO_CURSOR, body_of(event))
