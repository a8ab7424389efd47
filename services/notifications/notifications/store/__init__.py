"""What notifications remembers."""
