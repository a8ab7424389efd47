"""Gives every package's tests the same real servers; see tests/support."""

pytest_plugins = ["support.fixtures"]
