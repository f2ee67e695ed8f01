"""HTTP: routes, problem documents, server-sent events, the OpenAPI description.

Belongs here: turning requests into calls of the handlers and their results into responses. Forbidden: decisions, and
the database or the bus.
"""
