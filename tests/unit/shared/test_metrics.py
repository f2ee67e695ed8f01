import pytest

from shared.metrics import Metrics


def test_a_name_asked_for_twice_is_one_metric() -> None:
    metrics = Metrics()
    metrics.counter("messages", "Messages handled.", ["outcome"]).labels(outcome="parked").inc()
    metrics.counter("messages", "Messages handled.", ["outcome"]).labels(outcome="parked").inc()
    text, content_type = metrics.exposition()
    assert 'kubemin_messages_total{outcome="parked"} 2.0' in text.decode()
    assert content_type.startswith("text/plain")


def test_two_processes_worth_of_metrics_do_not_meet() -> None:
    first, second = Metrics(), Metrics()
    first.gauge("in_flight", "In flight.").set(3)
    assert "in_flight" not in second.exposition()[0].decode()


def test_a_name_cannot_be_two_kinds_of_metric() -> None:
    metrics = Metrics()
    metrics.histogram("duration_s", "Seconds.").observe(0.2)
    with pytest.raises(TypeError, match="duration_s is a Histogram, not a Gauge"):
        metrics.gauge("duration_s", "Seconds.")
