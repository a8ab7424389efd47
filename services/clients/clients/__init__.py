"""The clients service owns the people who are served and what is kept about them."""
