"""Archives what agents state and projects it, and what the planner decided, into the documents that people read.

The bus is only its doorbell for run events: it reads them from the archive, where the planner put them before it
published.
"""
