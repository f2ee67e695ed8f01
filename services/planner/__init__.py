"""Turns desired records into runs: decides which step comes next, and joins what the agents answer and observe.

`domain` is pure (state, decide, evolve); `handlers` bring messages to it and its decisions to the store and the bus.
"""
