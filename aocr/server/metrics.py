"""Counts and measures, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """Holds the metrics of one server.

    Attributes:
        batch_sizes: images in a batch.
        batch_seconds: time that the model takes for a batch.
        images: images that were read for requests.
        version: the newest version that answers.
    """

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "aocr_requests",
            "Requests by endpoint and status",
            ["endpoint", "status"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            "aocr_request_seconds",
            "Time from a request to its answer",
            ["endpoint"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._errors = Counter(
            "aocr_errors", "Requests that ended in an error", ["endpoint"], registry=registry
        )
        self.batch_sizes = Histogram(
            "aocr_batch_size", "Images in a batch", buckets=_BATCH_SIZES, registry=registry
        )
        self.batch_seconds = Histogram(
            "aocr_batch_seconds",
            "Time that the model takes for a batch",
            buckets=_SECONDS,
            registry=registry,
        )
        self.images = Counter("aocr_images", "Images that were read", registry=registry)
        self.version = Gauge(
            "aocr_model_version", "The newest version that answers", registry=registry
        )
        self._waiting = Gauge(
            "aocr_waiting_images", "Images that wait for their batch", registry=registry
        )

    def observe_request(self, endpoint: str, status: int, seconds: float) -> None:
        """Counts one request that was answered."""
        self._requests.labels(endpoint, str(status)).inc()
        self._request_seconds.labels(endpoint).observe(seconds)
        if status >= 400:
            self._errors.labels(endpoint).inc()

    def watch_queue(self, waiting: Callable[[], int]) -> None:
        """Takes the number of waiting images from a function."""
        self._waiting.set_function(waiting)

    def page(self) -> bytes:
        """Returns the metrics in Prometheus' text format."""
        return generate_latest(self._registry)
