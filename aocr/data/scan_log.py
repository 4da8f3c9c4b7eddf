"""Logs what a scan of a dataset has found, before the dataset is used."""

from __future__ import annotations

import logging

from aocr.config import CTC, Config
from aocr.data.dataset_scan import DatasetScan
from aocr.data.images.decoder_complaints import COMPLAINED
from aocr.util.errors import UserError
from aocr.util.text.plurals import counted


def log_for_training(
    found: DatasetScan, config: Config, drop_wide: bool, name: str = "the dataset"
) -> int:
    """Logs what training leaves out and what it shrinks.

    Args:
        found: the result of the scan.
        config: the model.
        drop_wide: whether images wider than `max_width` are left out.
        name: of the dataset, for errors.

    Returns:
        The number of records to train on.

    Raises:
        UserError: there is none.
    """
    _log_labels(found, config, "left out")
    _log_decoding(found, "left out")
    _log_narrow(found, "left out" if config.decoder == CTC else "trained without the CTC loss")
    _log_wide(found, config, "left out" if drop_wide else "shrunk to fit")
    usable = found.trainable(drop_wide).total()
    logging.info("Training on %i of %s.", usable, counted(found.records, "record"))
    if not usable:
        raise UserError(
            f"no record of {name} can be used for training: see the lines above, and check "
            "--charset, --max-prediction, --drop-wide, and the upper-casing of 'aocr dataset'"
            if found.records
            else f"{name} is empty: no record to train on"
        )
    return usable


def log_for_testing(found: DatasetScan, config: Config) -> None:
    """Logs which records a test cannot read correctly; they count as wrong.

    Raises:
        UserError: there is no record.
    """
    _log_labels(found, config, "tested, without a loss")
    _log_decoding(found, "counted as wrong")
    _log_narrow(found, "cannot be read by CTC")
    _log_wide(found, config, "shrunk to fit")
    if not found.records:
        raise UserError("the dataset is empty: no record to test")


def _log_labels(found: DatasetScan, config: Config, consequence: str) -> None:
    limit = f"longer than --max-prediction={config.max_prediction}"
    found.too_long.log(f"label is {limit}", f"labels are {limit}", consequence)
    outside = "characters outside the model's charset"
    found.unknown.log(f"label holds {outside}", f"labels hold {outside}", consequence)


def _log_decoding(found: DatasetScan, consequence: str) -> None:
    found.undecodable.log("image cannot be decoded", "images cannot be decoded", consequence)
    found.complained.log(*COMPLAINED, "used")


def _log_narrow(found: DatasetScan, consequence: str) -> None:
    needs = "fewer columns of 4 pixels than CTC needs for its label"
    found.too_narrow.log(f"image has {needs}", f"images have {needs}", consequence)


def _log_wide(found: DatasetScan, config: Config, consequence: str) -> None:
    limit = f"wider than --max-width={config.max_width}"
    found.too_wide.log(f"image is {limit}", f"images are {limit}", consequence)
