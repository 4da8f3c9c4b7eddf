"""Training: the loop, its graph, optimizer and schedules, validation, progress."""
