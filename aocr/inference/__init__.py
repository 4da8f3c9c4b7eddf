"""Builds the graph that reads images, and holds sessions of it."""
