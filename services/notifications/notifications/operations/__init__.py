"""What notifications can do: one function per use case, state and events together."""
