"""The gateway's ways to the outside: the bus, sealing.

Belongs here: the only I/O besides HTTP, behind the ports. Forbidden: decisions.
"""
