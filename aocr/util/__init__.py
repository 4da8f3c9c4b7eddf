"""General helpers that know nothing of text recognition."""
