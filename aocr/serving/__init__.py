"""Reads image files with a trained model, and exports the model for other programs."""
