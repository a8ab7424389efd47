"""HTTP in: what is asked, as operations; no rules."""
