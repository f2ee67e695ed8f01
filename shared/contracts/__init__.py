"""The words that services exchange: identities, subjects, commands, facts, run events, plans, phases, completion rules.

Belongs here: frozen models and pure functions over them. Forbidden: I/O, clocks, randomness, and anything a single
service keeps to itself.
"""
