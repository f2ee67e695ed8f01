"""The observer of one cluster: it watches the objects that are ours and states what it sees of them as facts.

Belongs here: reading the cluster, judging objects by the rules that they carry, finding the reason in their pods and
events. Forbidden: writing anything to the cluster but its own Lease, and knowing any job type or any run.
"""
