"""The `kubemin` command: what people and scripts see of KubeMin, through the gateway's HTTP API alone.

Belongs here: options, requests, following runs, and turning views into text.
Forbidden: decisions about applications, and everything of `shared` but its contracts and errors; no bus, no database,
no cluster, no service. What takes long to import is imported by the command that needs it.
"""
