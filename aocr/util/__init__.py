"""Holds general helpers that know nothing of text recognition."""
