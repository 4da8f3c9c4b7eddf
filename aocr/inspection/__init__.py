"""`aocr inspect`: statistics of a dataset, recommended flags, text report, contact sheet."""
