"""ServiceMetrics: the metrics of the service at /metrics, for Prometheus; none names a customer or an item."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from recsys_assets.service.feedback.observations import Observations
from recsys_assets.service.processes.team_requests import TeamRequests
from recsys_assets.service.processes.worker_team import WorkerTeam
from recsys_assets.service.rotation import Rotation

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class ServiceMetrics:
    """The counters of one service.

    Args:
        rotation: with the current Serving.
        team: the workers whose metrics are summed, whichever of them gets the request.
    """

    def __init__(self, rotation: Rotation, team: WorkerTeam | None = None) -> None:
        self.registry = CollectorRegistry()
        self.seen = Observations()
        self.team_requests = TeamRequests(self.seen, None if team is None else team.folder)
        self._rotation, self._team = rotation, team
        counter = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
        seconds = partial(Histogram, buckets=_SECONDS, registry=self.registry)
        self.requests = counter("recsys_requests", "Requests answered.", ("route", "status"))
        self.seconds = seconds("recsys_request_seconds", "Time from a request to its answer.", ("route",))
        known = "Lists of recommendations, by whether anything was known about the customer."
        self.answers = counter("recsys_answers", known, ("arm", "known"))
        found = "Queries answered, by whether anything was found."
        self.searches = counter("recsys_searches", found, ("arm", "found"))
        self.events = counter("recsys_events", "Events that were taken.", ("action", "outcome"))
        self.refused = counter("recsys_refused", "Requests refused before they were processed.", ("why",))
        written = "Time to write a group of exposures or events to the disk."
        self.group_seconds = seconds("recsys_feedback_group_seconds", written)
        lines = "Lines of events found in the log at the start, by their state."
        self.log_lines = counter("recsys_feedback_lines", lines, ("state",))
        answering = "Requests that are being answered."
        self.waiting = gauge("recsys_waiting", answering, multiprocess_mode="livesum")
        waiting = "Lists that wait to be computed."
        self.lists_waiting = gauge("recsys_lists_waiting", waiting, multiprocess_mode="livesum")
        instead = "Lists that were not computed because too many waited, and what was answered instead."
        self.degraded = counter("recsys_degraded", instead, ("instead",))
        clicked = "Lists of which an item was viewed, put into the cart or bought."
        self.clicks = counter("recsys_clicks", clicked, ("arm",))
        self._swaps = counter("recsys_swaps", "Models, rules or experiments loaded.")
        failed = "Models, rules or experiments that could not be loaded."
        self._swap_failures = counter("recsys_swap_failures", failed)
        pending = "1 if the newest cannot serve, so that the previous one does."
        self._swap_pending = gauge("recsys_swap_pending", pending, multiprocess_mode="livemax")
        self._counted = (0, 0)
        self._of_route: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._all = self.registry
        if team is not None:
            team.forget_the_dead()
            self._all = CollectorRegistry()
            MultiProcessCollector(self._all, str(team.folder))
        self._all.register(_Processes(team))
        self._all.register(_Served(rotation, self.seen))

    def replied(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        if (known := self._of_route.get((route, status))) is None:
            known = self._of_route[route, status] = (
                self.requests.labels(route, str(status)),
                self.seconds.labels(route),
            )
        known[0].inc()
        known[1].observe(seconds)
        self.seen.replied(status, seconds, a_list=route.startswith("/recommendations"))

    def rotated(self) -> None:
        """Count the switches and failed switches since the last call, and share this worker's requests."""
        self.team_requests.publish()
        rotation = self._rotation
        now = rotation.swaps, rotation.failures
        swaps, failures = now[0] - self._counted[0], now[1] - self._counted[1]
        self._counted = now
        self._swaps.inc(swaps)
        self._swap_failures.inc(failures)
        self._swap_pending.set(int(rotation.fault is not None))

    def text(self) -> bytes:
        """All metrics in Prometheus' text format; for a team, those of all workers."""
        self.rotated()
        return generate_latest(self._all)


class _Processes(Collector):
    """Memory and CPU time of the process; for a team, of each worker by its number (`pid`)."""

    def __init__(self, team: WorkerTeam | None) -> None:
        self._team = team

    def collect(self) -> Iterable[Metric]:
        if self._team is None:
            return ProcessCollector(registry=None).collect()
        merged: dict[str, Metric] = {}
        for pid in self._team.members():
            for metric in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():
                metric_of_all = merged.setdefault(
                    metric.name, Metric(metric.name, metric.documentation, metric.type)
                )
                for each in metric.samples:
                    metric_of_all.add_sample(each.name, {**each.labels, "pid": str(pid)}, each.value)
        return merged.values()

    def describe(self) -> Iterable[Metric]:
        return []


class _Served(Collector):
    """Metrics of the current Serving, read on demand."""

    def __init__(self, rotation: Rotation, seen: Observations) -> None:
        self._rotation, self._seen = rotation, seen

    def collect(self) -> Iterable[Metric]:
        rotation = self._rotation
        now = rotation.now
        if now is not None:
            served = now.champion.served
            yield GaugeMetricFamily(
                "recsys_model_version", "Version of the champion that serves.", served.version
            )
            age = time.time() - served.made.timestamp()
            yield GaugeMetricFamily("recsys_model_age_seconds", "Time since the champion was fitted.", age)
            yield GaugeMetricFamily(
                "recsys_problems", "Problems that need attention; /ready lists them.", len(now.problems)
            )
            yield from self._by_arm(now.champion.served.model.n_items)

    def _by_arm(self, n_items: int) -> Iterable[Metric]:
        """Shares of the last 24 hours."""
        rates = GaugeMetricFamily(
            "recsys_click_rate",
            "Share of the lists of 24 hours of which an item was clicked.",
            labels=["arm"],
        )
        covered = GaugeMetricFamily(
            "recsys_coverage", "Share of the items that stood in a list of the last 24 hours.", labels=["arm"]
        )
        for each in self._seen.arms(n_items):
            rates.add_metric([each["arm"]], each["click_rate"])
            covered.add_metric([each["arm"]], each["coverage"])
        yield from (rates, covered)

    def describe(self) -> Iterable[Metric]:
        return []
