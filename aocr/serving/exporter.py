"""A model directory to an export."""

from __future__ import annotations

from aocr.config import Config
from aocr.model import checkpoints
from aocr.serving import export as exports
from aocr.serving.graph import build_serving_graph
from aocr.util.session import open_session


def export(
    config: Config, checkpoint: str, gpu_id: int, folder: str, form: str, force: bool
) -> None:
    """Exports a checkpoint; see `aocr.serving.export.export`.

    Raises:
        UserError: the checkpoint is of another model, or the folder has something in it.
    """
    exports.check_folder(folder, force)
    model = build_serving_graph(config)
    with open_session(model.graph, gpu_id) as opened:
        checkpoints.restore(opened, checkpoint)
        endpoints = exports.Endpoints(model.input, model.output, model.probability)
        exports.export(opened, endpoints, folder, form, force, config)
