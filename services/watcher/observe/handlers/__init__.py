"""The observer at work: it follows sources, keeps the picture, and states what has changed in it.

Belongs here: loops over the ports. Forbidden: I/O of its own, and judging.
"""
