"""Reads labelled images in the forms that people have them, one form or family of forms a file."""
