"""The bus: NATS JetStream behind our own words, and the only package that imports `nats`.

Belongs here: the connection, consumers and their loops, streams and durables as data, parking, accounts.
Forbidden: what any message means. Nothing is known to the bus alone: a wiped stream fills again.
"""

from shared.bus.connection import Bus
from shared.bus.consumer import Consumer
from shared.bus.delivery import Delivery
from shared.bus.errors import BusClosed, BusUnavailable, NoStream, OversizeMessage, StreamRefused
from shared.bus.messages import decode
from shared.bus.parking import Parker
from shared.bus.settling import Batch
from shared.bus.tail import Resync
from shared.bus.worker import work, work_batches

__all__ = [
    "Batch",
    "Bus",
    "BusClosed",
    "BusUnavailable",
    "Consumer",
    "Delivery",
    "NoStream",
    "OversizeMessage",
    "Parker",
    "Resync",
    "StreamRefused",
    "decode",
    "work",
    "work_batches",
]
