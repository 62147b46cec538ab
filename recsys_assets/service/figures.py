"""Figures: what /metrics tells of the service, for Prometheus; nothing in them names a customer or an item."""

from __future__ import annotations

import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from recsys_assets.service.observations import Observations
from recsys_assets.service.rotation import Rotation

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Figures:
    """The counters of one service."""

    def __init__(self, rotation: Rotation) -> None:
        self.registry = CollectorRegistry()
        self.seen = Observations()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "recsys_requests", "Requests answered.", ("route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "recsys_request_seconds", "Time from a request to its answer.", ("route",),
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.answers = Counter(
            "recsys_answers", "Lists of recommendations, and whether anything was known of the customer.",
            ("arm", "known"), registry=self.registry,
        )  # fmt: skip
        self.searches = Counter(
            "recsys_searches", "Queries answered, and whether anything was found.", ("arm", "found"),
            registry=self.registry,
        )  # fmt: skip
        self.events = Counter(
            "recsys_events", "Events that were taken.", ("action", "outcome"), registry=self.registry
        )
        self.refused = Counter(
            "recsys_refused", "Requests turned away before they were looked at.", ("why",), registry=self.registry
        )  # fmt: skip
        self.group_seconds = Histogram(
            "recsys_feedback_group_seconds", "Time to write a group of exposures or events to the disk.",
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.log_lines = Counter(
            "recsys_feedback_lines", "Lines of events found in the log at the start, by their state.",
            ("state",), registry=self.registry,
        )  # fmt: skip
        self.waiting = Gauge("recsys_waiting", "Requests that are being answered.", registry=self.registry)
        self.lists_waiting = Gauge(
            "recsys_lists_waiting", "Lists that wait to be computed.", registry=self.registry
        )
        self.degraded = Counter(
            "recsys_degraded", "Lists that were not computed because too many waited, and what was answered instead.",
            ("instead",), registry=self.registry,
        )  # fmt: skip
        self.clicks = Counter(
            "recsys_clicks", "Lists of which an item was viewed, put into the cart or bought.",
            ("arm",), registry=self.registry,
        )  # fmt: skip
        self.registry.register(_Served(rotation, self.seen))

    def replied(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)
        self.seen.replied(status, seconds, a_list=route.startswith("/recommendations"))

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self.registry)


class _Served(Collector):
    """What serves, read when it is asked for."""

    def __init__(self, rotation: Rotation, seen: Observations) -> None:
        self._rotation, self._seen = rotation, seen

    def collect(self) -> Iterable[Metric]:
        rotation = self._rotation
        now = rotation.now
        yield CounterMetricFamily("recsys_swaps", "Models, rules or experiments taken over.", rotation.swaps)
        yield CounterMetricFamily("recsys_swap_failures", "What could not be taken over.", rotation.failures)
        yield GaugeMetricFamily(
            "recsys_swap_pending", "1 where the newest cannot serve, so that what was before does.",
            int(rotation.fault is not None),
        )  # fmt: skip
        if now is not None:
            served = now.champion.served
            yield GaugeMetricFamily(
                "recsys_model_version", "Version of the champion that serves.", served.version
            )
            age = time.time() - served.made.timestamp()
            yield GaugeMetricFamily("recsys_model_age_seconds", "Time since the champion was fitted.", age)
            yield GaugeMetricFamily(
                "recsys_problems", "What somebody should see to; /ready says what.", len(now.problems)
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
