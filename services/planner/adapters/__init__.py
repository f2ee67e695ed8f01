"""What the planner reads along: the clusters' signs of life."""
