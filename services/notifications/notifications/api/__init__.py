"""HTTP in: a blueprint per resource, no rules."""
