"""Training by several processes and devices."""
