"""The embedded stack behind `kubemin dev` and the tests: nats-server, a MongoDB-wire server, a cluster.

Belongs here: starting, wiring and stopping other programs on this machine.
Forbidden: importing a service (they are started as processes), and anything that production needs.
"""
