"""Begins a training run: config, weights, records, steps."""
