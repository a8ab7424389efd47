"""What scheduling can do: one function per use case, one unit of work each, state and events together."""
