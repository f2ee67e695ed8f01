"""The services; each is a process of its own. They never import each other: what two share belongs in `shared`."""
