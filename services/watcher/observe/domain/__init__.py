"""What the observer keeps of the cluster and how it judges it: plain dicts of Kubernetes in, statements out.

Belongs here: pure functions and the in-memory picture. Forbidden: I/O, clocks, randomness, logging.
"""
