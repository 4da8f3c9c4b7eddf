"""What a training run begins with: config, weights, records, steps."""
