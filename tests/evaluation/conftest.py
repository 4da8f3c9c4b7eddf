"""Fixtures of the tests of the evaluation: records of several kinds, and a trained model."""

import io

import pytest
import tensorflow as tf
from commands import draw
from PIL import Image

from aocr.data.records import schema
from aocr.evaluation.evaluator import Evaluation
from aocr.model.config_file import of_trained_model


def enlarged(image):
    """Returns the image twice as large; shrunk to fit, it has the same pixels again."""
    picture = Image.open(io.BytesIO(image))
    file = io.BytesIO()
    picture.resize((96, 64), Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def mixed(trained):
    """Returns a file of records that the model reads, and of others that it cannot."""
    path = trained.folder / "mixed.tfrecords"
    rows = [
        (draw("AB"), "AB"),
        (draw("BA"), "ABAB"),  # longer than the model writes
        (draw("CAB"), "ca!"),  # characters that it lacks
        (b"no image", "ACC"),
        (draw("B"), ""),
        (enlarged(draw("CAB")), "CAB"),  # larger than --max-width
    ]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number, (image, label) in enumerate(rows):
            writer.write(schema.serialize(image, label, f"{number}.png"))
    return str(path)


@pytest.fixture(scope="session")
def evaluation(trained, mixed):
    """Returns the evaluation of the trained model on the mixed records."""
    model_dir = str(trained.folder / "checkpoints")
    config, checkpoint = of_trained_model(model_dir, {}), tf.train.latest_checkpoint(model_dir)
    return Evaluation(config, checkpoint, [mixed], gpu_id=-1)
