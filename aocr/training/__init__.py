"""Trains models: the loop, its graph, optimizers, schedules, initialization and validation."""
