"""Selects the records that a run trains on."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.config import Config
from aocr.data.batches.mixing import SEED_DISTANCE, MixedDataset, Mixture, draws_per_epoch
from aocr.data.batches.pipeline import batches_per_epoch
from aocr.data.batches.sharing import WHOLE, Share, SharedRecords, divide_files
from aocr.data.dataset_scan import log_for_training, scan
from aocr.data.records.files import MAX_NAMED, expand
from aocr.training.options import TrainingOptions
from aocr.training.start.run import Run, WeightedDataset
from aocr.util.errors import UserError
from aocr.util.paths.checks import identity
from aocr.util.text.plurals import counted


class TrainingSet(NamedTuple):
    """Holds the records that a run trains on.

    Attributes:
        files: TFRecord files.
        rejected: indices of the records that the run leaves out, from 0, in increasing order.
        used: number of records that the run trains on in each epoch.
        left_out: number of records that the run leaves out.
        batches_per_epoch: number of steps that an epoch takes.
        mixture: the datasets of `--mix`; `files` and `rejected` are then empty.
        has_complaints: whether the decoder complains about an image.
        shared: the records that this process of several reads, in place of `files`.
    """

    files: list[str]
    rejected: list[int]
    used: int
    left_out: int
    batches_per_epoch: int
    mixture: Mixture | None = None
    has_complaints: bool = False
    shared: SharedRecords | None = None


def load_training_set(
    run: Run, config: Config, options: TrainingOptions, share: Share = WHOLE
) -> TrainingSet:
    """Checks all records to train on and logs which ones the run leaves out.

    Args:
        run: the datasets.
        config: the sizes and characters that records must fit.
        options: the batch size, of all processes together, and whether images that are too wide
            are left out.
        share: this process among all. `agreed_training_set` completes what one of several has
            loaded.

    Raises:
        UserError: a file is not a TFRecord file, or no record of a dataset can be trained on.
    """
    if run.mix:
        return _load_mixture(run.mix, config, options)
    files = expand(run.dataset)
    if share != WHOLE:
        return _load_share(files, config, options, share)
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


def _load_share(
    files: list[str], config: Config, options: TrainingOptions, share: Share
) -> TrainingSet:
    """Returns the records that one of several processes reads: files of its own, or all."""
    parts = divide_files([tf.io.gfile.stat(file).length for file in files], share.parts)
    if parts:
        files = [files[number] for number in parts[share.number]]
        logging.info(
            "This replica reads %s: %s",
            counted(len(files), "file"),
            ", ".join(files[:MAX_NAMED]) + (", ..." if len(files) > MAX_NAMED else ""),
        )
        batch_size, seed_offset = options.batch_size // share.parts, share.number * SEED_DISTANCE
        share = WHOLE
    else:
        logging.info("All replicas read all records, too few files or too unequal ones to divide.")
        batch_size, seed_offset = options.batch_size, 0
    found = scan(files, config)
    used = log_for_training(found, config, options.drop_wide)
    batches = batches_per_epoch(found.trainable(options.drop_wide), config.widths, batch_size)
    records = SharedRecords(
        files=files,
        counts=found.records_of_file,
        excluded=found.untrainable(options.drop_wide),
        widths=np.array(found.width_of_record),
        batch_size=batch_size,
        batches=batches,
        share=share,
        seed_offset=seed_offset,
    )
    return TrainingSet(
        files=[],
        rejected=[],
        used=used,
        left_out=found.records - used,
        batches_per_epoch=batches,
        has_complaints=bool(found.complained.record_indices),
        shared=records,
    )


def _load_mixture(
    mix: Sequence[WeightedDataset], config: Config, options: TrainingOptions
) -> TrainingSet:
    datasets, has_complaints = [], False
    for part, files in zip(mix, _files(mix), strict=True):
        logging.info("Dataset %s:", part.path)
        found = scan(files, config)
        log_for_training(found, config, options.drop_wide, part.path)
        has_complaints |= bool(found.complained.record_indices)
        widths = np.array(found.width_of_record)
        datasets.append(MixedDataset(files, found.untrainable(options.drop_wide), widths, draws=0))
    draws = draws_per_epoch([each.used for each in datasets], [part.weight for part in mix])
    mixture = Mixture(
        tuple(each._replace(draws=n) for each, n in zip(datasets, draws, strict=True))
    )
    _log_mixture(mix, mixture)
    return TrainingSet(
        files=[],
        rejected=[],
        used=sum(draws),
        left_out=sum(len(each.excluded) for each in datasets),
        batches_per_epoch=mixture.batches_per_epoch(options.batch_size),
        mixture=mixture,
        has_complaints=has_complaints,
    )


def _files(mix: Sequence[WeightedDataset]) -> list[list[str]]:
    """Returns the files of each dataset of a mixture.

    Raises:
        UserError: a file belongs to two of them, or a dataset has no file.
    """
    files = [expand([part.path]) for part in mix]
    owners: dict[object, WeightedDataset] = {}
    for part, names in zip(mix, files, strict=True):
        for name in names:
            other = owners.setdefault(identity(name), part)
            if other is not part:
                raise UserError(
                    f"--mix: {name} belongs to both {other.path} and {part.path}: name it once"
                )
    return files


def _log_mixture(mix: Sequence[WeightedDataset], mixture: Mixture) -> None:
    total = sum(mixture.draws)
    parts = (
        f"{each.draws} from the {each.used} of {part.path} ({each.draws / total:.1%})"
        for part, each in zip(mix, mixture.datasets, strict=True)
    )
    logging.info("An epoch draws %s: %s.", counted(total, "record"), ", ".join(parts))


def records_by_width(run: Run, config: Config, drop_wide: bool) -> Mapping[int, float]:
    """Counts the records that an epoch trains on by the prepared width of their images in pixels.

    Args:
        run: the datasets.
        config: the sizes and characters that records must fit.
        drop_wide: whether images wider than `max_width` are left out.

    Returns:
        Numbers of records; with `--mix`, their shares of all draws.
    """
    if not run.mix:
        return scan(expand(run.dataset), config).trainable(drop_wide)
    shares: defaultdict[int, float] = defaultdict(float)
    for part, files in zip(run.mix, _files(run.mix), strict=True):
        counts = scan(files, config).trainable(drop_wide)
        for width, count in counts.items():
            shares[width] += part.weight * count / counts.total()
    return shares
