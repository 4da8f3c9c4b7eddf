"""Tests checkpoints during a training, and keeps the best one."""
