"""Writes curves, images and texts for TensorBoard."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping

import tensorflow as tf
from PIL import Image

from aocr.evaluation.metric_sums import Summary
from aocr.evaluation.metrics import Result
from aocr.report.attention import attention_strip
from aocr.training.graph import StepResult


class EventWriter:
    """Writes an event file that TensorBoard reads.

    Args:
        folder: directory of the event file.
        graph: the graph that TensorBoard shows.
    """

    def __init__(self, folder: str, graph: tf.Graph) -> None:
        self._writer = tf.compat.v1.summary.FileWriter(folder, graph)

    def add_step(self, result: StepResult) -> None:
        """Adds the numbers of a training step as curves."""
        values = {
            "loss": result.loss,
            "total_gradient_norm": result.gradient_norm,
            "learning_rate": result.learning_rate,
            "images_per_second": result.images_per_second,
        }
        self._writer.add_summary(scalar_summary(values), result.global_step)

    def add_validation(self, summary: Summary, samples: Iterable[Result], step: int) -> None:
        """Adds the metrics of a validation as curves, and shows sample images.

        Args:
            summary: the metrics; the tag of each is `validation/` and its key.
            samples: the images to show.
            step: global step.
        """
        values = {f"validation/{key}": value for key, value in summary.numbers().items()}
        self._writer.add_summary(scalar_summary(values), step)
        self._writer.add_summary(sample_summary(samples), step)
        self.flush()

    def flush(self) -> None:
        """Writes everything added so far to the file."""
        self._writer.flush()

    def close(self) -> None:
        """Closes the event file."""
        self._writer.close()


def scalar_summary(values: Mapping[str, float]) -> tf.compat.v1.Summary:
    """Returns a summary of scalars by their tags, without values that are not finite."""
    return tf.compat.v1.Summary(
        value=[
            tf.compat.v1.Summary.Value(tag=tag, simple_value=value)
            for tag, value in values.items()
            if math.isfinite(value)
        ]
    )


def sample_summary(samples: Iterable[Result]) -> tf.compat.v1.Summary:
    """Returns a summary that shows images with their attention, and a table of their texts."""
    values, rows = [], ["| label | read | probability |", "|---|---|---|"]
    for number, sample in enumerate(samples, start=1):
        image = _png_summary(attention_strip(sample))
        values.append(tf.compat.v1.Summary.Value(tag=f"validation/attention_{number}", image=image))
        label, prediction = map(_escape_cell, (sample.label, sample.prediction))
        rows.append(f"| {label} | {prediction} | {sample.probability:.4f} |")
    return tf.compat.v1.Summary(value=[*values, _text_value("validation/texts", "\n".join(rows))])


def _png_summary(png: bytes) -> tf.compat.v1.Summary.Image:
    with Image.open(io.BytesIO(png)) as picture:
        return tf.compat.v1.Summary.Image(
            width=picture.width, height=picture.height, colorspace=3, encoded_image_string=png
        )


def _text_value(tag: str, markdown: str) -> tf.compat.v1.Summary.Value:
    """Returns a value that TensorBoard's text plugin shows."""
    metadata = tf.compat.v1.SummaryMetadata(
        plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="text")
    )
    return tf.compat.v1.Summary.Value(
        tag=tag, metadata=metadata, tensor=tf.make_tensor_proto(markdown, tf.string)
    )


def _escape_cell(text: str) -> str:
    """Escapes the characters that would end a cell of a Markdown table."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("`", "\\`")
