"""Exports a checkpoint, so that other programs can read images without aocr."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from aocr.config import Config
from aocr.exports import description, formats, warmup
from aocr.exports import folder as export_folder
from aocr.exports.description import Origin
from aocr.exports.folder import Destination
from aocr.exports.formats import DEFAULT_MAX_ACCURACY_LOSS
from aocr.exports.formats.common import ExportFormat
from aocr.exports.samples import Samples, dataset_samples, drawn_samples
from aocr.exports.verification import Verification, verify
from aocr.inference.graph import build_serving_graph
from aocr.inference.signatures import ServingSession, Signature, add_signatures, session_of
from aocr.model import config_file
from aocr.model.weights import checkpoints
from aocr.util.errors import UserError, first_line
from aocr.util.session import open_session

if TYPE_CHECKING:
    from aocr.model.search.text_search import Search


class ExportRequest(NamedTuple):
    """Defines what to export, and where.

    Attributes:
        checkpoint: path of the checkpoint that holds the weights.
        folder: the folder for the files, local or remote.
        format: one of `formats.NAMES`.
        force: whether to replace an earlier export in the folder, whatever it holds.
        gpu_id: index of the GPU that the comparison runs on; negative for the CPU.
        with_attention: whether the signatures for batches and for pixels give the attention too.
        versioned: whether to make a numbered folder below `folder`.
        verify: TFRecord files whose images the export is compared with the model on; None: a few
            drawn images.
        quantize: how a TFLite model is quantized; None: its numbers are float32.
        calibration: TFRecord files with images to calibrate it on.
        max_accuracy_loss: the loss that a quantized export may have (`verify`).
        search: the texts that the export looks for; None for greedy decoding.
        which: what the checkpoint was found by (`checkpoints.read_while_replaced`).
    """

    checkpoint: str
    folder: str
    format: str = formats.DEFAULT
    force: bool = False
    gpu_id: int = 0
    with_attention: bool = False
    versioned: bool = False
    verify: tuple[str, ...] | None = None
    quantize: str | None = None
    calibration: tuple[str, ...] = ()
    max_accuracy_loss: float = DEFAULT_MAX_ACCURACY_LOSS
    search: Search | None = None
    which: str | None = "path"


class ExportedModel(NamedTuple):
    """Holds what is exported.

    Attributes:
        serving: the model.
        config: its config.
        origin: the origin of its weights.
    """

    serving: ServingSession
    config: Config
    origin: Origin = Origin()


def export(config: Config, request: ExportRequest) -> None:
    """Exports a checkpoint, and `config.json` and `aocr.json` beside it.

    The export is loaded again and compared with the model before it appears in the folder.

    Raises:
        UserError: the folder holds an export that must not be replaced, or cannot be written, the
            checkpoint does not fit the config, or the export gives other predictions than the
            model.
    """
    _check(request)
    destination = _destination(request)
    try:
        export_folder.check(destination, config)
    except tf.errors.OpError as error:
        folder, reason = destination.folder, first_line(error)
        raise UserError(f"cannot export into {folder}: {reason}") from error
    samples = dataset_samples(request.verify) if request.verify else drawn_samples()
    model = build_serving_graph(config, search=request.search)
    signatures: tuple[Signature, ...] = ()
    if destination.format.has_signatures:
        signatures = add_signatures(model, config, request.with_attention)
    with open_session(model.graph, request.gpu_id) as session:
        checkpoint = checkpoints.restore(session, request.checkpoint, request.which)
        serving = session_of(session, model, signatures)
        origin = description.origin_of(checkpoint)._replace(search=request.search)
        exported = ExportedModel(serving, config, origin)
        loss = request.max_accuracy_loss if request.quantize else None
        folder = write_verified(exported, destination, samples, loss)
    logging.info("%s", destination.format.summary(folder))


def _check(request: ExportRequest) -> None:
    """Raises a UserError if the format cannot hold what is asked for."""
    if request.search and request.format not in formats.SEARCHING:
        raise UserError(
            f"a {request.format} export cannot hold a search, whose steps depend on the image: "
            f"export as {' or '.join(formats.SEARCHING)}, or without a lexicon, a pattern, "
            "several readings and a beam"
        )


def _destination(request: ExportRequest) -> Destination:
    return Destination(
        folder=request.folder.rstrip("/") or request.folder,
        format=_format(request),
        force=request.force,
        versioned=request.versioned,
    )


def _format(request: ExportRequest) -> ExportFormat:
    if request.quantize is None:
        return formats.load_format(request.format)
    from aocr.exports.formats import tflite

    images: list[bytes] = []
    if request.calibration:
        images = dataset_samples(request.calibration, tflite.CALIBRATION_IMAGES).images
    return tflite.quantized(tflite.Quantization(request.quantize, images))


def write_verified(
    model: ExportedModel,
    destination: Destination,
    samples: Samples | None = None,
    max_accuracy_loss: float | None = None,
) -> str:
    """Writes a model into a temporary folder, verifies it there, and moves it into place.

    Args:
        model: what to export.
        destination: the place to export to.
        samples: the images to verify it on; None: a few drawn ones.
        max_accuracy_loss: the loss that the export may have (`verify`).

    Returns:
        The folder of the export.

    Raises:
        UserError: a file cannot be written, or the export gives other predictions than the model.
    """
    samples = samples or drawn_samples()
    try:
        with export_folder.temporary_folder(destination) as temporary:
            destination.format.write(model.serving, temporary)
            config_file.write(temporary, model.config)
            exported = destination.format.load(temporary)
            with contextlib.closing(exported):
                verification = verify(exported, model.serving, samples, max_accuracy_loss)
            _write_extras(model, destination, temporary, samples, verification)
            return export_folder.install(temporary, destination)
    except tf.errors.OpError as error:
        reason = first_line(error)
        raise UserError(f"cannot write the export {destination.folder}: {reason}") from error


def _write_extras(
    model: ExportedModel,
    destination: Destination,
    folder: str,
    samples: Samples,
    verification: Verification,
) -> None:
    """Writes what stands beside the export."""
    if destination.versioned:
        images = samples.images[: warmup.MAX_IMAGES]
        warmup.write(folder, images, model.serving.signatures)
    name = destination.format.name
    facts = description.describe(folder, name, model.config, model.origin, verification)
    description.write(folder, facts)
