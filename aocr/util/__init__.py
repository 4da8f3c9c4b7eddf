"""Everything around the model: files in, files out, numbers and pictures."""
