"""The executor: carries out the planner's commands in one cluster and states what came of them.

Belongs here: checks before a run, server-side apply, pruning. Forbidden: deciding what to do next, and MongoDB.
"""
