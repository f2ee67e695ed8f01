"""`kubemin-admin`: tenants, tokens, clusters and parked messages, beside database and bus.

Belongs here: the commands of whoever runs the installation. Forbidden: anything that a tenant may do, which goes over
HTTP.
"""
