"""What lies outside of scheduling: the clients service."""
