"""The observer's ways out: Kubernetes and the bus. All I/O is here."""
