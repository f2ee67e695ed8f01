"""Pure: what an observation says to people."""
