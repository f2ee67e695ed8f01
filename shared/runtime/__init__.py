"""How every process of the system starts, says how it is, and stops.

Belongs here: settings from the environment, the task group of a service, its health and metrics over HTTP, signals.
Forbidden: knowing any one service, and doing anything at import time.
Nothing is imported here: who needs settings alone, such as `kubemin-admin`, loads no HTTP server.
"""
