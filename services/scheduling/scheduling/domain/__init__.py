"""The rules of scheduling, pure: what may follow what, when a calendar is open, what is free, what a deposit comes to."""
