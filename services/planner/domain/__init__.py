"""Pure planning of runs: no I/O, no clock, no randomness; time arrives as data.

`decide` takes a state and an input and returns the next state with the events and commands to send.
"""
