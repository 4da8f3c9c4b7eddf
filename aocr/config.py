"""What a model is (`Config`) and how it is trained (`TrainingOptions`), as frozen values."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

from aocr import __version__
from aocr.charset import DIGITS_AND_CAPITALS, Charset

IMAGE_HEIGHT = 32
"""Height in pixels of every image after preparation."""

ARCHITECTURE = "sliding CNN, bidirectional LSTM, attention decoder"

COLUMN_WIDTH = 4
"""Prepared pixels under one feature column: the CNN halves the width twice."""


TEST_BATCH_SIZE = 64
"""Images that `test` and `predict` read at a time."""


MAX_PIXELS = 50_000_000
"""Width times height of the largest image that is decoded."""


def width_at_32(width: int, height: int) -> int:
    """Returns the width in pixels, rounded up, of an image scaled to a height of `IMAGE_HEIGHT`."""
    return math.ceil(width / height * IMAGE_HEIGHT)


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
    bucket_widths: tuple[int, ...] = ()
    """Prepared widths, multiples of `COLUMN_WIDTH`, that batches are cut to, besides the full one;
    empty for full width always. With them, padding does not count: the model's numbers for an
    image are those for the image alone. Without them it counts, as in 0.7.6."""

    def to_json(self) -> str:
        """The fields, and for a reader the preparation that they lead to, as indented JSON."""
        facts = {
            "aocr": __version__,
            "architecture": ARCHITECTURE,
            **dataclasses.asdict(self),
            "preparation": {
                "height": IMAGE_HEIGHT,
                "width": self.image_width,
                "resize": "TensorFlow 1 bicubic",
            },
        }
        return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Config:
        """The opposite of `to_json`.

        Raises:
            ValueError: no JSON, another architecture, or a field missing or of another type.
        """
        facts = json.loads(text)
        if not isinstance(facts, dict) or facts.get("architecture") != ARCHITECTURE:
            raise ValueError(f'it does not say "architecture": "{ARCHITECTURE}"')
        names = [field.name for field in dataclasses.fields(cls)]
        fields: dict[str, Any] = {name: facts.get(name) for name in names}
        fields["bucket_widths"] = _widths(fields["bucket_widths"])
        default = cls()
        for name, value in fields.items():
            if type(value) is not type(getattr(default, name)):
                raise ValueError(f"its {name} is {value!r}")
        return cls(**fields)

    @property
    def vocab_size(self) -> int:
        """Number of symbols: the characters and the special symbols."""
        return Charset(self.characters).vocab_size

    @property
    def image_width(self) -> int:
        """Width in pixels of every image after preparation."""
        return width_at_32(self.max_width, self.max_height)

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths that batches of prepared images have, rising; the last is the full one."""
        return (*self.bucket_widths, self.image_width)

    @property
    def padding_counts(self) -> bool:
        """Whether the model sees the padding at the right of an image as black pixels."""
        return not self.bucket_widths

    @property
    def decoder_steps(self) -> int:
        """Steps that the decoder takes: the longest label, its EOS, and one to spare."""
        return self.max_prediction + 2

    @property
    def encoder_units(self) -> int:
        """Units of the encoder's LSTM in each direction."""
        return self.attn_num_layers * self.attn_num_hidden


def _widths(value: object) -> tuple[int, ...]:
    """Bucket widths as JSON has them; a file of before there were any has none.

    Raises:
        ValueError: it is no list of whole numbers.
    """
    widths = [] if value is None else value
    if not isinstance(widths, list) or any(type(width) is not int for width in widths):
        raise ValueError(f"its bucket_widths is {value!r}")
    return tuple(widths)


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits that images and labels must not exceed; None for no limit."""

    max_width: int | None = None
    max_height: int | None = None
    max_prediction: int | None = None
    characters: str | None = None


LEARNING_RATES = {"adadelta": 1.0, "adam": 0.001, "adamw": 0.001, "sgd": 0.01}
"""The optimizers, and the learning rate that each starts with unless one is given."""

WEIGHT_DECAYS = {"adamw": 0.01}
"""The weight decay of optimizers that have one unless another is given."""

SCHEDULES = ("constant", "cosine", "one-cycle")


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """How one run of training goes; only the optimizer changes what a checkpoint holds.

    `max_gradient_norm` is the global norm that gradients are clipped to, None for no clipping.
    `num_epoch` counts passes over the data in this run, also after a resume; `max_steps` is the
    global step to end at, however many runs it takes, None for no such end. `drop_wide` leaves
    images wider than `max_width` out, as 0.7.6 did, in place of shrinking them. `patience` is the
    number of validations without a gain after which training ends, None for never;
    `validation_interval` the steps between two, None for one at each checkpoint.
    """

    batch_size: int = 65
    num_epoch: int = 1000
    max_steps: int | None = None
    steps_per_checkpoint: int = 100
    keep_checkpoints: int = 5
    validation_interval: int | None = None
    patience: int | None = None
    seed: int | None = None
    optimizer: str = "adadelta"
    initial_learning_rate: float = LEARNING_RATES["adadelta"]
    learning_rate_schedule: str = "constant"
    warmup_steps: int = 0
    weight_decay: float = 0.0
    dropout: float = 0.5
    bn_momentum: float = 0.99
    max_gradient_norm: float | None = 5.0
    drop_wide: bool = False
