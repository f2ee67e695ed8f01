"""The only door for people: HTTP in, desired records and their messages out, projections and live changes back.

Belongs here: authentication, validation, sealing, the desired record, reads. Forbidden: deciding what a run does, and
any call to a cluster.
"""
