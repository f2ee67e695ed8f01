"""The upkeep of the working tree itself: set-up, locks, generated files and what must not be committed.

Forbidden here: anything that the embedded stack or a service needs at run time.
"""
