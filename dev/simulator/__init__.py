"""The embedded cluster simulator: a small in-memory server of the Kubernetes HTTP API with its controllers.

Belongs here: what a client of Kubernetes can observe for the kinds in `kinds.py`, as a real 1.36 cluster answers it.
Forbidden: kinds that nothing of ours emits, answers that only look like Kubernetes (what is not supported is refused
in words), and any import of the services or of a Kubernetes client.

It differs from a real cluster knowingly: RBAC is stored but not enforced; impersonation is recorded but not checked;
`fieldValidation` is accepted and ignored, because no schema of all fields is kept (unknown fields are stored as given);
controllers record no field managers for what they write; ControllerRevisions, EndpointSlices and the
`kube-root-ca.crt` ConfigMaps do not exist; ReplicaSets and Deployments do not adopt orphans; no container is ever run.
"""
