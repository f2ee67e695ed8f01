"""What every service agrees on: contracts, job types, planning, and the one module each that speaks to NATS, MongoDB and Kubernetes.

Belongs here: pure code that two services share, and the adapters' single homes (`bus`, `store`, `kube`).
Forbidden: importing a service, and doing anything at import time.
"""
