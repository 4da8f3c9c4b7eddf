"""The model: encoded images in, text out; and the loops that run it."""
