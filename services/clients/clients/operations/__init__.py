"""What the service can do: one function a use case, one unit of work each, state and events together."""
