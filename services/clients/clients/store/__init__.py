"""What the service keeps: tables, the queries on them, and their history."""
