"""Selects the records that a run trains on."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.config import Config
from aocr.data import same_images
from aocr.data.batches.epochs import READ_AT_A_TIME, Records, batches_per_epoch
from aocr.data.batches.mixing import SEED_DISTANCE, Mixture, draws_per_epoch
from aocr.data.batches.sharing import WHOLE, Share, divide_files
from aocr.data.dataset_scan import DatasetScan, log_for_training, scan
from aocr.data.records.files import MAX_NAMED, expand
from aocr.data.records.identity import Contents, ScannedFile, sum_of
from aocr.data.same_images import ImageSet
from aocr.training.options import Run, TrainingOptions, WeightedDataset
from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import identity
from aocr.util.paths.files import write_atomically
from aocr.util.text.plurals import counted


class TrainingSet(NamedTuple):
    """Holds the records that a run trains on.

    Attributes:
        source: the records that this process reads.
        used: number of records that the run trains on in each epoch.
        left_out: number of records that the run leaves out.
        batches_per_epoch: number of steps that an epoch takes.
        files: the files that this process reads, as they were when they were scanned.
    """

    source: Records | Mixture
    used: int
    left_out: int
    batches_per_epoch: int
    files: Mapping[str, ScannedFile] = MappingProxyType({})


def load_training_set(
    run: Run,
    config: Config,
    options: TrainingOptions,
    share: Share = WHOLE,
    images: ImageSet | None = None,
) -> TrainingSet:
    """Checks all records to train on and logs which ones the run leaves out.

    Args:
        run: the datasets.
        config: the sizes and characters that records must fit.
        options: the batch size, of all processes together, and whether images that are too wide
            are left out.
        share: this process among all. `agreed_training_set` completes what one of several has
            loaded.
        images: the set that the images are added to.

    Raises:
        UserError: a file is not a TFRecord file, or no record of a dataset can be trained on.
    """
    if run.mix:
        return _load_mixture(run, config, options, share, images)
    files = expand(run.dataset)
    own = _own_files(files, share) if share != WHOLE else None
    found = scan(own or files, config, images.add if images else None)
    used = log_for_training(found, config, options.drop_wide)
    records = _records(own or files, found, options)._replace(share=share)
    if own:
        records = records._replace(
            batch_size=options.batch_size // share.parts,
            share=WHOLE,
            seed_offset=share.number * SEED_DISTANCE,
        )
    if share != WHOLE:
        records = records._replace(read_at_a_time=READ_AT_A_TIME)
    widths = found.trainable(options.drop_wide)
    batches = batches_per_epoch(widths, config.widths, records.batch_size)
    return TrainingSet(records, used, found.records - used, batches, found.files)


def _own_files(files: list[str], share: Share) -> list[str] | None:
    """Returns the files of one of several processes; None if all of them read all records."""
    parts = divide_files([tf.io.gfile.stat(file).length for file in files], share.parts)
    if not parts:
        logging.info("All replicas read all records, too few files or too unequal ones to divide.")
        return None
    own = [files[number] for number in parts[share.number]]
    logging.info(
        "This replica reads %s: %s",
        counted(len(own), "file"),
        ", ".join(own[:MAX_NAMED]) + (", ..." if len(own) > MAX_NAMED else ""),
    )
    return own


def _records(files: list[str], found: DatasetScan, options: TrainingOptions) -> Records:
    """Returns the records of a dataset, for a process alone."""
    return Records(
        files=files,
        counts=found.records_of_file,
        excluded=found.untrainable(options.drop_wide),
        widths=np.array(found.width_of_record, np.int32),
        batch_size=options.batch_size,
    )


def _load_mixture(
    run: Run, config: Config, options: TrainingOptions, share: Share, images: ImageSet | None
) -> TrainingSet:
    datasets, scanned, mix = [], dict[str, ScannedFile](), run.mix
    for part, files in zip(mix, _files(mix), strict=True):
        logging.info("Dataset %s:", part.path)
        found = scan(files, config, images.add if images else None)
        log_for_training(found, config, options.drop_wide, part.path)
        datasets.append(_records(files, found, options))
        scanned |= found.files
    draws = draws_per_epoch([each.used for each in datasets], [part.weight for part in mix])
    mixture = Mixture(tuple(datasets), draws, options.batch_size, share)
    _log_mixture(mix, mixture)
    left_out = sum(len(each.excluded) for each in datasets)
    return TrainingSet(mixture, sum(draws), left_out, mixture.batches_per_epoch, scanned)


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
        f"{draws} from the {each.used} of {part.path} ({draws / total:.1%})"
        for part, each, draws in zip(mix, mixture.datasets, mixture.draws, strict=True)
    )
    logging.info("An epoch draws %s: %s.", counted(total, "record"), ", ".join(parts))


RECORDS_FILE = "records.json"
"""Name of the file of a model directory that identifies the records of its last run."""


def note_records(run: Run, training_set: TrainingSet, images: ImageSet) -> None:
    """Stores what identifies the records of a run, and warns if the run before had others.

    Args:
        run: the model directory, and whether the run resumes from a checkpoint there.
        training_set: the records.
        images: their images, to which those of the runs before are added.

    Raises:
        UserError: the file cannot be written.
    """
    path = tf.io.gfile.join(run.model_dir, RECORDS_FILE)
    contents = sum_of(file.contents for file in training_set.files.values())
    try:
        earlier = _read_contents(path) if run.checkpoint else None
        if earlier not in (None, contents):
            logging.warning(
                "%s was trained on %s so far, and goes on with %s: a resumed run takes the same "
                "steps as one without an interruption on the same records only.",
                *(run.model_dir, earlier, contents),
            )
        write_atomically(path, f"{json.dumps(contents._asdict())}\n".encode())
        stored = tf.io.gfile.join(run.model_dir, same_images.FILE_NAME)
        if run.checkpoint:
            images.update(stored)
        images.write(stored)
    except tf.errors.OpError as error:
        raise UserError(f"cannot write {path}: {first_line(error)}") from error


def _read_contents(path: str) -> Contents | None:
    """Returns what a file says; None if there is none, or if it is garbage."""
    if not tf.io.gfile.exists(path):
        return None
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            return Contents(**json.loads(file.read().decode()))
    except (ValueError, TypeError):
        logging.warning("%s is damaged, and is written anew.", path)
        return None


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
