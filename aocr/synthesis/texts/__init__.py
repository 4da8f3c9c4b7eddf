"""Chooses the texts that are drawn."""
