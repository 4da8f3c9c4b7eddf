"""The fonts of this machine, and which one can draw a text."""
