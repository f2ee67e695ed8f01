"""What every service agrees on: contracts, job types, planning, and one package each for NATS, MongoDB, Kubernetes.

Belongs here: pure code that two services share, and the adapters' single homes (`bus`, `store`, `kube`).
Forbidden: importing a service, and doing anything at import time.
"""
