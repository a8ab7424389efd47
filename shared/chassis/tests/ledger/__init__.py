"""A service as small as one can be: it keeps the book of the events that it was told, and is told events over HTTP."""
