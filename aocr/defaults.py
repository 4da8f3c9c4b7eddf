"""What a model is (`Config`) and how it is trained (`TrainingOptions`), as frozen values."""

from __future__ import annotations

import dataclasses
import math

from aocr.util.charset import DIGITS_AND_CAPITALS

IMAGE_HEIGHT = 32
"""Height in pixels of every image after preparation."""

COLUMN_WIDTH = 4
"""Prepared pixels under one feature column: the CNN halves the width twice."""


TEST_BATCH_SIZE = 64
"""Images that `test` and `predict` read at a time."""


@dataclasses.dataclass(frozen=True)
class Config:
    """The facts that decide a model's variables and what its inputs mean.

    Two models with equal configs can exchange checkpoints. The defaults are those of
    aocr 0.7.6 (COMPAT.md, section 1).
    """

    max_width: int = 160
    max_height: int = 60
    max_prediction: int = 8
    characters: str = DIGITS_AND_CAPITALS
    channels: int = 1
    use_gru: bool = False
    attn_num_layers: int = 2
    attn_num_hidden: int = 128
    target_embedding_size: int = 10

    @property
    def image_width(self) -> int:
        """Width in pixels of every image after preparation."""
        return math.ceil(self.max_width / self.max_height * IMAGE_HEIGHT)

    @property
    def decoder_steps(self) -> int:
        """Steps that the decoder takes: the longest label, its EOS, and one to spare."""
        return self.max_prediction + 2

    @property
    def encoder_units(self) -> int:
        """Units of the encoder's LSTM in each direction."""
        return self.attn_num_layers * self.attn_num_hidden


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """How one run of training goes; nothing here changes what a checkpoint holds.

    `max_gradient_norm` is the global norm that gradients are clipped to, None for no clipping.
    `num_epoch` counts passes over the data in this run, also after a resume.
    """

    batch_size: int = 65
    num_epoch: int = 1000
    steps_per_checkpoint: int = 100
    initial_learning_rate: float = 1.0
    max_gradient_norm: float | None = 5.0
    resume: bool = True
