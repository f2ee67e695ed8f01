"""How far consumers of the centre lag behind, as a metric; an agent may not ask."""

from collections.abc import Collection

from shared.bus.consumer import Consumer
from shared.errors import Retryable
from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)

_INTERVAL_S = 5.0


async def measure_lag(consumers: Collection[Consumer], metrics: Metrics, stopping: Stopping) -> None:
    """Keep `kubemin_bus_pending{consumer}` current until the stop: messages that no replica was given yet."""
    pending = metrics.gauge("bus_pending", "Messages that wait for a consumer", ("consumer",))
    while not stopping.is_set():
        for consumer in consumers:
            try:
                pending.labels(consumer.durable).set(await consumer.pending())
            except Retryable as error:
                logger.debug("lag_unknown", consumer=consumer.durable, error=str(error))
        await stopping.sleep(_INTERVAL_S)
