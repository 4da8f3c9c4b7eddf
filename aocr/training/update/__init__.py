"""From a loss to new weights."""
