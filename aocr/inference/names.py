"""Names the model, tensors and signatures that clients and exports rely on."""

from __future__ import annotations

DEFAULT_MODEL_NAME = "aocr"
"""Name of the model in requests to a server."""

NAME_ENDS = "/:"
"""Characters that end the name of a model in the path of a request."""

# Tensors of a frozen graph

IMAGE_INPUT = "input_image_as_bytes"

PREDICTION_OUTPUT = "prediction"

PROBABILITY_OUTPUT = "probability"

READINGS = "readings"

READING_PROBABILITIES = "reading_probabilities"

READINGS_ARE_EXACT = "readings_are_exact"
"""Outputs of a graph that searches (docs/compatibility.md, "Graph names")."""

PREPARED_IMAGES = "map/TensorArrayStack/TensorArrayGatherV3"

SYMBOL_IDS = "transpose_1"

STEP_PROBABILITIES = "transpose_2"
"""Inner tensors, under the names that TensorFlow 1 gave them in 0.7.6. Published recipes cut the
graph at them, among them OpenVINO's guide, because OpenVINO cannot run the operations outside."""

# The signature of a SavedModel, and its keys

DEFAULT_SIGNATURE = "serving_default"
"""The name in `tf.saved_model`, which programs without TensorFlow need, too."""

SIGNATURE_IMAGES = "input"

SIGNATURE_TEXT = "output"

SIGNATURE_PROBABILITY = "probability"

SIGNATURE_READINGS = "readings"

SIGNATURE_READING_PROBABILITIES = "reading_probabilities"

SIGNATURE_READINGS_ARE_EXACT = "exact"

# Further signatures of a SavedModel, and their keys besides those of `serving_default`

BATCH_SIGNATURE, PIXELS_SIGNATURE = "serving_batch", "serving_pixels"

SIGNATURE_PIXELS, SIGNATURE_WIDTHS = "pixels", "widths"

SIGNATURE_CHARACTERS, SIGNATURE_CHARACTER_PROBABILITIES = "characters", "character_probabilities"

SIGNATURE_ERROR, SIGNATURE_ATTENTION = "error", "attention"

BATCH_SCOPE = "batch"
"""The scope of what these signatures feed and fetch, and of the network that they run."""

CROPPED_IMAGES = "cropped"
"""The images that enter the network, of the width of their bucket. A graph for one width is fed
here."""
