"""What the executor knows without asking: ownership, fences, grants, stamps, and what an error means.

Belongs here: pure functions over manifests, live objects and commands. Forbidden: I/O, clocks, logging.
"""
