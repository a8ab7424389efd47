"""What scheduling keeps, and the questions it asks of it."""
