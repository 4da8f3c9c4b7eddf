"""What a training begins with: its config and its weights."""

from __future__ import annotations

from typing import NamedTuple

from aocr.model import checkpoints


class Run(NamedTuple):
    """Where a run of training takes things from, and where it puts them.

    Attributes:
        dataset: TFRecords: files, folders or globs.
        validation: the same, or empty for no validation.
        model_dir: checkpoints and summaries go there; training goes on from what is there.
        init_from: model directory whose weights to begin with; None for fresh ones.
        resume: go on from what is in `model_dir`.
        gpu_id: negative for the CPU.
        precision: `float32` or `bfloat16`.
    """

    dataset: list[str]
    validation: list[str]
    model_dir: str
    init_from: str | None
    resume: bool
    gpu_id: int
    precision: str

    def checkpoint(self) -> str | None:
        """The checkpoint to go on from, None for a model that is new."""
        return checkpoints.latest_checkpoint(self.model_dir) if self.resume else None
