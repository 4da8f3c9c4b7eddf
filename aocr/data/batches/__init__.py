"""TFRecords to batches."""
