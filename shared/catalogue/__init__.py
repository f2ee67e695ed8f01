"""What documents can hold, described: every type with its JSON Schema, its kinds and its completion rule in words.

Made of the registry alone, so that API, command line, reference pages and editors never say different things.
Forbidden: I/O, and knowledge of any single type.
"""
