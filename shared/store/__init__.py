"""What is kept in MongoDB: desired records, the registry of tenants and clusters, the planner's state, projections.

Belongs here: the driver, the collections' layouts and the queries over them, behind typed functions. Forbidden:
decisions about what to store, and any type of the driver in a signature.
"""
