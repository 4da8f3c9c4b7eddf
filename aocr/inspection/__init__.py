"""Implements `aocr inspect`: statistics of a dataset, recommended flags and a contact sheet."""
