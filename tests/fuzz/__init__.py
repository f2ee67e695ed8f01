"""Inputs of any kind for what reads documents: the parser, the dialect's converter, planning and the types.

Belongs here: what is fed, how inputs are made, and what counts as a finding. `python -m tests.fuzz` (`make fuzz`) is
the long form, `tests/fuzz/test_fuzz.py` the short one, of the same code. Forbidden: inputs that cannot be made again
from a seed.
"""
