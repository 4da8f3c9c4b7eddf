"""Searches for the most probable texts, free ones or those of an automaton."""
