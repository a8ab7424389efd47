"""The rules of notifications: pure functions of what is known and of the moment."""
