"""The notifications service owns what is said to people by email and SMS, and when."""
