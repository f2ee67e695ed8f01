"""A real Kubernetes control plane on loopback: etcd, API server, controllers, scheduler; KWOK plays nodes and pods.

Belongs here: building these five programs from pinned Go modules, starting and stopping them, and how the pods behave.
Forbidden: anything about KubeMin's own objects; a control plane does not know who uses it.
"""
