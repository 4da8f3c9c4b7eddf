"""Draws images of text: `aocr synth`."""
