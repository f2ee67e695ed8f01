"""Fixtures that several suites share."""

pytest_plugins = ["tests.support.clusters", "tests.support.mongo"]
