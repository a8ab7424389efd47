"""What we measure, beside peers on the same machine."""
