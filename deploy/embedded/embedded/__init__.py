"""The embedded suite runs every service in one process, for a first look, development and one small practice."""
