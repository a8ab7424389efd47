"""The rules of deposits and refunds, pure: no I/O, no clock, no framework."""
