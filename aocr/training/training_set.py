"""Selects the records that a run trains on."""

from __future__ import annotations

from typing import NamedTuple

from aocr.config import Config
from aocr.data.dataset_scan import scan
from aocr.data.input_pipeline import batches_per_epoch
from aocr.data.record_files import expand
from aocr.data.scan_log import log_for_training
from aocr.training.options import TrainingOptions


class TrainingSet(NamedTuple):
    """Holds the records that a run trains on.

    Attributes:
        files: TFRecord files.
        rejected: indices of the records that the run leaves out, from 0, in increasing order.
        used: number of records that the run trains on in each epoch.
        left_out: number of records that the run leaves out.
        batches_per_epoch: number of steps that an epoch takes.
        has_complaints: whether the decoder complains about an image.
    """

    files: list[str]
    rejected: list[int]
    used: int
    left_out: int
    batches_per_epoch: int
    has_complaints: bool = False


def load_training_set(paths: list[str], config: Config, options: TrainingOptions) -> TrainingSet:
    """Checks all records of a dataset and logs which ones the run leaves out.

    Args:
        paths: TFRecords: files, folders or globs.
        config: gives the sizes and characters that records must fit.
        options: gives the batch size and whether images that are too wide are left out.

    Raises:
        UserError: a file is not a TFRecord file, or no record can be trained on.
    """
    files = expand(paths)
    found = scan(files, config)
    used = log_for_training(found, config, options.drop_wide)
    widths = found.trainable(options.drop_wide)
    return TrainingSet(
        files=files,
        rejected=found.untrainable(options.drop_wide),
        used=used,
        left_out=found.records - used,
        batches_per_epoch=batches_per_epoch(widths, config.widths, options.batch_size),
        has_complaints=bool(found.complained.record_indices),
    )
