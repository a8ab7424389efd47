"""The peers, each doing the subject's work in its own way; they run in an environment of their own (requirements/bench.lock)."""
