"""Commands in, facts out: one handler per command, over the ports.

Belongs here: the order of checks and calls. Forbidden: the bus, HTTP, and what a rule means (that is `domain`).
"""
