"""Facets of jobs: the kind of job, its code, and the location of the code."""

from __future__ import annotations

import re
from functools import lru_cache

from openlineage.client.generated.job_type_job import JobTypeJobFacet
from openlineage.client.generated.source_code_job import SourceCodeJobFacet
from openlineage.client.generated.source_code_location_job import SourceCodeLocationJobFacet
from openlineage.client.generated.sql_job import SQLJobFacet

from recsys_lineage.openlineage.facets.facet import Json, facet
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.naming import uri_of
from recsys_lineage.records.materialization import Code
from recsys_lineage.records.parts.url_secrets import without_secrets

_ORIGIN = re.compile(r"(.*?)(?::(\d+))?(?::\d+)?")


@lru_cache(maxsize=8)
def job_type_facet(kind: str) -> Json:
    """An ASSET, a CHECK of one, or a RUN of the orchestrator."""
    return facet(JobTypeJobFacet, processingType="BATCH", integration="DAGSTER", jobType=kind)


def code_facets(code: Code, commit: str | None, options: EventOptions) -> Json:
    """The code of an asset as `sql` or `sourceCode`, and its place as `sourceCodeLocation`."""
    text = _shown(code.text)
    found: Json = {}
    if code.kind == "sql":
        found["sql"] = facet(SQLJobFacet, query=text, dialect=code.dialect or "duckdb")
    else:
        found["sourceCode"] = facet(SourceCodeJobFacet, language="python", sourceCode=text)
    if (location := _location(code.origin, commit, options.repository, options.checkout)) is not None:
        found["sourceCodeLocation"] = location
    return found


@lru_cache(maxsize=1024)
def _shown(text: str) -> str:
    return without_secrets(text)


@lru_cache(maxsize=1024)
def _location(origin: str, commit: str | None, repository: str | None, checkout: str | None) -> Json | None:
    """Location of the code: in the repository at a commit, if both are known, else on the machine that ran it."""
    match = _ORIGIN.fullmatch(origin)
    path, line = (match[1], match[2]) if match else (origin, None)
    inside = path
    if checkout is not None and path.startswith(checkout.rstrip("/") + "/"):
        inside = path[len(checkout.rstrip("/")) + 1 :]
    if repository is None or inside.startswith("/") or commit is None:
        if not path.startswith("/"):
            return None
        return facet(SourceCodeLocationJobFacet, type="git", url=uri_of(path), path=inside, version=commit)
    web = uri_of(repository).removesuffix(".git").rstrip("/")
    place = f"{web}/blob/{commit}/{uri_of('/' + inside).removeprefix('file:///')}"
    return facet(
        SourceCodeLocationJobFacet,
        type="git",
        url=f"{place}#L{line}" if line else place,
        repoUrl=web,
        path=inside,
        version=commit,
    )
