"""What crosses a service boundary lives here, so that no service imports another."""
