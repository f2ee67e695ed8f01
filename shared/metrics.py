"""Named Prometheus metrics in a registry that is passed in: importing this module registers nothing."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

NAMESPACE = "kubemin"
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_Metric = TypeVar("_Metric", Counter, Gauge, Histogram)


class Metrics:
    """The metrics of one process; asking for a name twice gives the same metric."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._known: dict[str, Counter | Gauge | Histogram] = {}

    def counter(self, name: str, documentation: str, labels: Sequence[str] = ()) -> Counter:
        """Return the counter `kubemin_<name>_total`."""
        return self._metric(
            Counter,
            name,
            lambda: Counter(name, documentation, labels, namespace=NAMESPACE, registry=self.registry),
        )

    def gauge(self, name: str, documentation: str, labels: Sequence[str] = ()) -> Gauge:
        """Return the gauge `kubemin_<name>`."""
        return self._metric(
            Gauge,
            name,
            lambda: Gauge(name, documentation, labels, namespace=NAMESPACE, registry=self.registry),
        )

    def histogram(
        self, name: str, documentation: str, labels: Sequence[str] = (), *, buckets: Sequence[float] = _BUCKETS_S
    ) -> Histogram:
        """Return the histogram `kubemin_<name>`; the default buckets are seconds, from 1 ms to 30 s."""
        return self._metric(
            Histogram,
            name,
            lambda: Histogram(
                name, documentation, labels, namespace=NAMESPACE, registry=self.registry, buckets=buckets
            ),
        )

    def exposition(self) -> tuple[bytes, str]:
        """Return the text that Prometheus scrapes, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def _metric(self, kind: type[_Metric], name: str, create: Callable[[], _Metric]) -> _Metric:
        metric = self._known.get(name)
        if metric is None:
            metric = self._known[name] = create()
        if not isinstance(metric, kind):
            message = f"metric {name} is a {type(metric).__name__}, not a {kind.__name__}"
            raise TypeError(message)
        return metric
