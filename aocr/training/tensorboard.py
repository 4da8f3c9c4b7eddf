"""What TensorBoard is told beside the scalars of the training graph."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping

import tensorflow as tf
from PIL import Image

from aocr.evaluation.result import Result
from aocr.report.attention import attention_strip


def scalars(values: Mapping[str, float]) -> tf.compat.v1.Summary:
    """Numbers by their tags; one that is not finite, which has no place on a curve, is left out."""
    return tf.compat.v1.Summary(
        value=[
            tf.compat.v1.Summary.Value(tag=tag, simple_value=value)
            for tag, value in values.items()
            if math.isfinite(value)
        ]
    )


def samples(tested: Iterable[Result]) -> tf.compat.v1.Summary:
    """Images with the attention of each character, and their texts as a table."""
    values, rows = [], ["| label | read | probability |", "|---|---|---|"]
    for number, one in enumerate(tested, start=1):
        png = attention_strip(one)
        with Image.open(io.BytesIO(png)) as picture:
            image = tf.compat.v1.Summary.Image(
                width=picture.width, height=picture.height, colorspace=3, encoded_image_string=png
            )
        values.append(tf.compat.v1.Summary.Value(tag=f"validation/attention_{number}", image=image))
        rows.append(f"| {_cell(one.label)} | {_cell(one.prediction)} | {one.probability:.4f} |")
    return tf.compat.v1.Summary(value=[*values, _text("validation/texts", "\n".join(rows))])


def _text(tag: str, markdown: str) -> tf.compat.v1.Summary.Value:
    """A text of TensorBoard's text plugin."""
    metadata = tf.compat.v1.SummaryMetadata(
        plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="text")
    )
    return tf.compat.v1.Summary.Value(
        tag=tag, metadata=metadata, tensor=tf.make_tensor_proto(markdown, tf.string)
    )


def _cell(text: str) -> str:
    """The text with what would end a cell of Markdown made harmless."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("`", "\\`")
