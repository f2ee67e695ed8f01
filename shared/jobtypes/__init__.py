"""Job types and traits, one file each: name, parameter model, pure `render`, completion rule as data, kinds.

Nothing outside an entry's file knows its name. Forbidden: I/O, clocks, randomness, and `if type == …` anywhere.
"""
