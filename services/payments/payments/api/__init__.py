"""HTTP in: a blueprint per resource, schemas beside it; no rules."""
