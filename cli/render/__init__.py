"""Views as text for people: pure functions from contract models and a moment to rich renderables.

Forbidden: requests, clocks, printing. What comes from documents and clusters goes through `text.plain`, for it may hold
anything, terminal commands included.
"""
