"""Varies training images at random, in the graph."""
