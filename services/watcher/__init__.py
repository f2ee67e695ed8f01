"""The watcher in its two halves: `observe` states what a cluster does, `record` keeps it for people.

Belongs here: those two packages, which share nothing but contracts. Forbidden: imports between them.
"""
