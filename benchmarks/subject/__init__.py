"""Our side of the comparison: a service of two tables on the real chassis."""
