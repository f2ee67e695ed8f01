"""Deliveries under fire: every process killed again and again, and a verdict on what came of it.

Belongs here: what is delivered, when who is killed, what is counted meanwhile, and the checks. `python -m tests.chaos`
is the long form, `tests/e2e/test_chaos.py` the short one, of the same code. Forbidden: knowing how a service works
inside.
"""
