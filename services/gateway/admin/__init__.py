"""`kubemin-admin`: tenants, tokens and clusters, beside the database.

Belongs here: the commands of whoever runs the installation. Forbidden: anything that a tenant may do, which goes over
HTTP.
"""
