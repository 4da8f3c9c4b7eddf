"""Data: annotations, image files, TFRecords, preprocessing, input pipeline."""
