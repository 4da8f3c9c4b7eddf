"""`aocr dataset`: annotations and image files to TFRecords."""
