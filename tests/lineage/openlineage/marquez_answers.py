"""What a Marquez answers of what it holds, as a running one was seen to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from recsys_lineage.openlineage.translation.moments import moment
from tests.lineage.openlineage.marquez_state import HeldJob, HeldRun, Key, Marquez


class Answers:
    """What Marquez answers of what it holds."""

    def __init__(self, held: Marquez) -> None:
        self.held = held

    def dataset(self, key: Key, in_graph: bool = False) -> dict[str, Any] | None:
        """A dataset, by its own name or that of a symlink."""
        found = self.held.datasets.get(self.held.aliases.get(key, key))
        if found is None:
            return None
        common = _named(key) | {
            "type": "DB_TABLE", "physicalName": found.key[1], "createdAt": found.created, "updatedAt": found.updated,
            "sourceName": "default", "fields": _fields(found.fields), "tags": [], "lastModifiedAt": None,
            "description": found.description, "lastLifecycleState": found.lifecycle,
        }  # fmt: skip
        if in_graph:
            return common
        own = key == found.key
        columns = [
            {"name": column, "inputFields": [_origin(*each) for each in origins], **_NO_TRANSFORMATION}
            for column, origins in found.origins.items()
        ]
        facets = found.versions[found.current].facets if found.current and own else {}
        return common | {
            "currentVersion": found.current, "columnLineage": columns or None if own else None, "facets": facets,
            "deleted": found.deleted,
        }  # fmt: skip

    def versions(self, key: Key) -> dict[str, Any]:
        """All versions of a dataset, the newest first."""
        found = self.held.datasets[key]
        shown = [
            _named(key) | {
                "type": "DB_TABLE", "physicalName": key[1], "createdAt": each.created, "version": each.id,
                "sourceName": "default", "fields": _fields(each.fields), "tags": [], "lifecycleState": each.lifecycle,
                "description": found.description, "currentSchemaVersion": str(uuid5(NAMESPACE_URL, str(each.fields))),
                "createdByRun": self.run(self.held.runs[each.run]) if each.run else None, "facets": each.facets,
            }
            for each in reversed(found.versions.values())
        ]  # fmt: skip
        return {"versions": shown, "totalCount": len(shown)}

    def run(self, run: HeldRun) -> dict[str, Any]:
        """A run."""
        above = run.facets.get("parent")
        args = {} if above is None else {"run_id": above["run"]["runId"], **above["job"]}
        took = None
        if run.started and run.ended:
            begin, end = moment(run.started), moment(run.ended)
            assert begin is not None and end is not None
            took = round((end - begin).total_seconds() * 1000)
        nominal = run.facets.get("nominalTime", {})
        return {
            "id": run.id, "createdAt": run.created, "updatedAt": run.updated,
            "nominalStartTime": nominal.get("nominalStartTime"), "nominalEndTime": nominal.get("nominalEndTime"),
            "state": run.state, "startedAt": run.started, "endedAt": run.ended, "durationMs": took, "args": args,
            "jobVersion": {"namespace": run.job[0], "name": run.job[1], "version": _id("job", run.job)},
            "inputDatasetVersions": [self._of_run(key, facets) for key, facets in run.inputs.items()],
            "outputDatasetVersions": [self._of_run(key, facets) for key, facets in run.outputs.items()],
            "facets": run.facets,
        }  # fmt: skip

    def _of_run(self, key: Key, facets: dict[str, Any]) -> dict[str, Any]:
        return {
            "datasetVersionId": {"namespace": key[0], "name": key[1], "version": _id("version", key)},
            "facets": facets,
        }

    def runs(self, job: HeldJob) -> list[dict[str, Any]]:
        """The runs of a job, the newest first."""
        newest = sorted(job.runs.values(), key=lambda run: run.created, reverse=True)
        return [self.run(run) for run in newest]

    def job(self, job: HeldJob, is_alone: bool = False) -> dict[str, Any]:
        """A job: alone with the datasets drawn to it, by their symlinks too; in a list with those of its latest run."""
        runs = self.runs(job)
        latest = max(job.runs.values(), key=lambda run: run.updated, default=None)
        shown = job if is_alone or latest is None else latest
        kind = job.facets.get("jobType", {})
        labels = [kind[name] for name in ("jobType", "integration") if name in kind]
        return self._job(job) | {
            "inputs": self._datasets(dict.fromkeys(shown.inputs), is_alone),
            "outputs": self._datasets(dict.fromkeys(shown.outputs), is_alone),
            "latestRun": runs[0] if runs else None, "latestRuns": runs[:10], "facets": job.facets,
            "currentVersion": _id("job", job.key), "labels": labels, "tags": [],
        }  # fmt: skip

    def _job(self, job: HeldJob) -> dict[str, Any]:
        above = job.parent
        return _named(job.key) | {
            "type": "BATCH", "simpleName": job.key[1].removeprefix(f"{above[1]}." if above else ""),
            "parentJobName": above[1] if above else None, "parentJobUuid": _id("job", above) if above else None,
            "createdAt": job.created, "updatedAt": job.updated, "location": None, "description": None,
        }  # fmt: skip

    def _datasets(self, keys: dict[Key, None], with_symlinks: bool) -> list[dict[str, str]]:
        links = [link for key in keys for link in self.held.datasets[key].symlinks] if with_symlinks else []
        return [{"namespace": each[0], "name": each[1]} for each in [*links, *keys]]

    def lineage(self, node: str, depth: int) -> list[dict[str, Any]] | None:
        """The jobs at most so many steps away, each with its datasets."""
        begin = next((job for job in self.held.jobs.values() if _node("job", job.key) == node), None)
        if begin is None:
            around = [job for job in self.held.jobs.values() if node in self._nodes(job.outputs)] or [
                job for job in self.held.jobs.values() if node in self._nodes(job.inputs)
            ]
            begin = next(iter(around), None)
        if begin is None:
            return None
        found = {begin.key: begin}
        for _ in range(depth):
            near = {key for job in found.values() for key in (*job.inputs, *job.outputs)}
            found |= {job.key: job for job in self.held.jobs.values() if near & {*job.inputs, *job.outputs}}
        return sorted(
            [*self._dataset_nodes(found), *map(self._job_node, found.values())], key=lambda each: each["id"]
        )

    def _nodes(self, keys: dict[Key, None]) -> set[str]:
        return {_node("dataset", key) for key in keys}

    def _dataset_nodes(self, jobs: dict[Key, HeldJob]) -> Iterator[dict[str, Any]]:
        for key in {key: None for job in jobs.values() for key in (*job.inputs, *job.outputs)}:
            node = _node("dataset", key)
            into = [_edge(_node("job", job.key), node) for job in jobs.values() if key in job.outputs]
            out = [_edge(node, _node("job", job.key)) for job in jobs.values() if key in job.inputs]
            data = self.dataset(key, in_graph=True)
            yield {"id": node, "type": "DATASET", "data": data, "inEdges": into, "outEdges": out}

    def _job_node(self, job: HeldJob) -> dict[str, Any]:
        """A job in a graph is shown with the latest run of its parent."""
        node = _node("job", job.key)
        shown = self.held.jobs.get(job.parent, job) if job.parent else job
        runs = self.runs(shown)
        data = self._job(job) | {
            "currentRunUuid": runs[0]["id"] if runs else None, "latestRun": runs[0] if runs else None,
            "inputs": self._datasets(job.inputs, False), "outputs": self._datasets(job.outputs, False),
        }  # fmt: skip
        into = [_edge(_node("dataset", key), node) for key in job.inputs]
        out = [_edge(node, _node("dataset", key)) for key in job.outputs]
        return {"id": node, "type": "JOB", "data": data, "inEdges": into, "outEdges": out}

    def columns(self, node: str) -> list[dict[str, Any]]:
        """What the columns of a dataset, or one of them, were made of."""
        kind, _, rest = node.partition(":")
        wanted: list[tuple[Key, str]] = [
            (key, each["name"])
            for key, dataset in self.held.datasets.items()
            for each in dataset.fields
            if rest == (f"{key[0]}:{key[1]}" if kind == "dataset" else f"{key[0]}:{key[1]}:{each['name']}")
        ]
        found: dict[tuple[Key, str], list[tuple[Key, str]]] = {}
        for key, column in wanted:
            if (key, column) not in found:
                found[key, column] = list(self.held.datasets[key].origins.get(column, ()))
                wanted.extend(found[key, column])
        made: dict[tuple[Key, str], list[tuple[Key, str]]] = {}
        for target, sources in found.items():
            for source in sources:
                made.setdefault(source, []).append(target)
        return [
            {
                "id": _column(each), "type": "DATASET_FIELD",
                "data": {
                    "namespace": each[0][0], "dataset": each[0][1], "datasetVersion": _id("version", each[0]),
                    "field": each[1], "fieldType": self._type(*each) if sources else "", **_NO_TRANSFORMATION,
                    "inputFields": [
                        _origin(*source) | {"datasetVersion": _id("version", source[0])} for source in sources
                    ],
                },
                "inEdges": [_edge(_column(each), _column(source)) for source in sources],
                "outEdges": [_edge(_column(each), _column(target)) for target in made.get(each, ())],
            }
            for each, sources in sorted(found.items(), key=lambda item: _column(item[0]))
            if sources or each in made
        ]  # fmt: skip

    def _type(self, key: Key, column: str) -> str:
        return next(each.get("type", "") for each in self.held.datasets[key].fields if each["name"] == column)


_NO_TRANSFORMATION = {"transformationDescription": None, "transformationType": None}


def _origin(key: Key, column: str) -> dict[str, Any]:
    return {"namespace": key[0], "dataset": key[1], "field": column, **_NO_TRANSFORMATION}


def _named(key: Key) -> dict[str, Any]:
    return {"id": {"namespace": key[0], "name": key[1]}, "name": key[1], "namespace": key[0]}


def _fields(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fields in no order: its question to the database asks for none."""
    return [
        {"name": each["name"], "type": each.get("type"), "tags": [], "description": each.get("description")}
        for each in reversed(fields)
    ]


def _node(kind: str, key: Key) -> str:
    return f"{kind}:{key[0]}:{key[1]}"


def _column(column: tuple[Key, str]) -> str:
    return f"{_node('datasetField', column[0])}:{column[1]}"


def _edge(origin: str, destination: str) -> dict[str, str]:
    return {"origin": origin, "destination": destination}


def _id(kind: str, key: Key) -> str:
    return str(uuid5(NAMESPACE_URL, f"{kind}/{key}"))
