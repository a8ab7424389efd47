"""What lies outside: the other services."""
