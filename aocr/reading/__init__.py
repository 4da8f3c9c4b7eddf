"""Reads images: by a checkpoint, an export or a server."""
