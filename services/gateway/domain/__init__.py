"""What the gateway decides, as pure functions over frozen values.

Belongs here: rights, preconditions, the next desired record, health, and how views are put together. Forbidden: I/O,
clocks, randomness, logging.
"""
