"""The CNNs: pixels to features."""
