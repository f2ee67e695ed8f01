"""What kube-controller-manager, kube-scheduler and kubelet would do, against the simulator's own store.

Belongs here: one controller per module, each a queue of object keys and a reconcile function without waiting in it.
Forbidden: HTTP, and writes that bypass `Cluster`.
"""
