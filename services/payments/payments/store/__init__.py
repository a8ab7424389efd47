"""What payments keeps: tables, migrations and the queries that operations ask."""
