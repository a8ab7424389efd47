"""What payments can do: one function a use case, state and events in one transaction."""
