"""Reads images with an exported SavedModel. Needs only TensorFlow, not aocr.

python datasets/read_with_export.py EXPORTED IMAGE [IMAGE ...]
"""

import pathlib
import sys

import tensorflow as tf


def main(folder: str, *images: str) -> None:
    """Prints one line per image: its path, its text and the text's probability, tab-separated."""
    model = tf.saved_model.load(folder)
    predict = model.signatures["serving_default"]
    for image in images:
        answer = predict(tf.constant(pathlib.Path(image).read_bytes()))
        print(image, answer["output"].numpy().decode(), f"{answer['probability']:.6f}", sep="\t")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
