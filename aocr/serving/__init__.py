"""Serving: the serving graph, reading image files, exports."""
