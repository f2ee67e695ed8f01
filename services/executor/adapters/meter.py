"""The executor's metrics."""

from shared.metrics import Metrics


class PrometheusMeter:
    """Counts commands by their answers, with how long they took."""

    def __init__(self, metrics: Metrics) -> None:
        self._seconds = metrics.histogram(
            "executor_command_seconds", "Time from a command's delivery to its answer.", ("command", "answer")
        )

    def answered(self, command: str, answer: str, seconds: float) -> None:
        """Note one."""
        self._seconds.labels(command, answer).observe(seconds)
