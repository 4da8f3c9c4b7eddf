"""Defines how a dataset is built."""

from __future__ import annotations

from typing import NamedTuple

from aocr.config import MAX_PIXELS
from aocr.data.limits import Limits


class Options(NamedTuple):
    """Determines how a dataset is built.

    Attributes:
        force_uppercase: convert labels to upper case.
        normalize: convert labels to the Unicode normal form NFC.
        save_filename: store the path of the image in the record's comment.
        base_dir: folder that relative paths start from; empty for the working directory.
        delimiter: separates path and label, a key of `annotations.DELIMITERS`.
        strict: treat the first annotation that cannot be used as an error.
        max_pixels: reject images with more pixels.
        shards: number of files that the annotations are distributed over, by their numbers.
        shard_index: the only shard to build, from 0; None for all shards.
        log_step: number of pairs between log lines.
        limits: those of the model; images and labels that exceed them are rejected.
    """

    force_uppercase: bool = True
    normalize: bool = True
    save_filename: bool = False
    base_dir: str = ""
    delimiter: str = "space"
    strict: bool = False
    max_pixels: int = MAX_PIXELS
    shards: int = 1
    shard_index: int | None = None
    log_step: int = 500
    limits: Limits = Limits()
