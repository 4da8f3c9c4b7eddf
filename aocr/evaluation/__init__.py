"""Evaluates models: the test loop and its graph, metrics, confidence intervals, calibration."""
