"""TFRecord files and what they hold."""
