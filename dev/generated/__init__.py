"""What the generator writes, as pure functions from the models. Forbidden: writing files."""
