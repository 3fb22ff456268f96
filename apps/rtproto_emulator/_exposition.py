"""A server's counts in the text format of Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from rtproto import events

from ._metrics import BOUNDS, Latency, Metrics

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition(metrics: Metrics) -> bytes:
    """`metrics`, and what the process takes of the machine, where the system tells."""
    # Of its own: a program that embeds the server may have numbers of its own in the global one.
    registry = CollectorRegistry()
    registry.register(_Told(metrics))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Told(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        told = self._metrics
        since = GaugeMetricFamily("rtproto_start_time_seconds", "When the server started, in seconds since 1970.")
        since.add_metric([], told.started)
        yield since
        open_now = GaugeMetricFamily("rtproto_sessions_open", "Sessions that are open.", labels=["dialect"])
        for dialect, count in sorted(told.open.items()):
            open_now.add_metric([dialect], count)
        yield open_now
        ended = CounterMetricFamily("rtproto_sessions", "Sessions that have ended.", labels=["dialect", "outcome"])
        for (dialect, outcome), count in sorted(told.ended.items()):
            ended.add_metric([dialect, outcome], count)
        yield ended
        yield _counts("requests_refused", "Requests that were refused, by HTTP status.", "status", told.refused)
        yield _counts("events_received", "Events of clients.", "type", _by_type(told.received))
        yield _counts("events_sent", "Events of the server.", "type", _by_type(told.sent))
        yield _counts("responses", "Responses that have ended.", "status", told.responses)
        yield _counts("errors", "Error events of the server.", "code", told.errors)
        yield _count("audio_received_seconds", "How long the audio of clients is.", told.seconds_received)
        yield _count("audio_sent_seconds", "How long the audio of the server is.", told.seconds_sent)
        yield _latency(
            "first_audio_seconds", "From the end of a turn to the first audio of its response.", told.first_audio
        )
        yield _latency("transcription_seconds", "From the end of a turn to its transcript.", told.transcription)


def _count(name: str, about: str, value: float) -> Metric:
    family = CounterMetricFamily(f"rtproto_{name}", about)
    family.add_metric([], value)
    return family


def _counts(name: str, about: str, label: str, counts: Mapping[Any, int]) -> Metric:
    family = CounterMetricFamily(f"rtproto_{name}", about, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([str(value)], count)
    return family


def _by_type(counts: Mapping[type, int]) -> Mapping[str, int]:
    """By the name that the events have in GA; what no one knows is one kind, and so is what cannot be read."""
    told: Counter[str] = Counter()
    for cls, count in counts.items():
        name = "unreadable" if cls is events.Violation else getattr(cls, "type", None)
        told[name if name and isinstance(name, str) else "unknown"] += count
    return told


def _latency(name: str, about: str, latency: Latency) -> Metric:
    family = HistogramMetricFamily(f"rtproto_{name}", about)
    family.add_metric([], buckets=list(_cumulated(latency.counts)), sum_value=latency.total)
    return family


def _cumulated(counts: Iterable[int]) -> Iterator[tuple[str, float]]:
    below = 0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), counts, strict=True):
        below += count
        yield bound, below
