"""The scheduling service owns the calendar: who sells which time to whom, and when."""
