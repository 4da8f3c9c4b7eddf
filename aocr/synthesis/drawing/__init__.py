"""Draws a text as an image, one file a style."""
