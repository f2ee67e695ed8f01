"""Measures the running system; every figure stands beside a baseline that was taken in the same run.

Belongs here: benches, the table and the JSON of their figures, and profiles of the services. Forbidden: limits that
fail a build. Machines are noisy: what counts is the ratio to the baseline, of which each round has one of its own.
"""
