"""Defines what a model is: `Config`.

Each field states its help text and its permitted values, from which flags and checks derive.
"""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

from aocr import __version__
from aocr.charset import DIGITS_AND_CAPITALS, Charset
from aocr.util.json_object import check_keys, check_version, parse_object
from aocr.util.options import option, options_of, values_from_json

IMAGE_HEIGHT = 32
"""Height in pixels of every prepared image."""

COLUMN_WIDTH = 4
"""Width in pixels of a prepared image per feature column: the CNN halves the width twice."""

SLIDING, COMPACT = BACKBONES = ("sliding", "compact")
"""The CNNs, see the modules of these names in `aocr.model`."""

CLASSIC_RESIZE, FULL_HEIGHT = RESIZES = ("classic", "full-height")
"""The ways to bring images to a size, see `aocr.data.preprocessing`."""

BLACK, MASKED = PADDINGS = ("black", "masked")
"""The ways to show the padding at the right of an image to the model."""

ATTENTION, CTC, JOINT = DECODERS = ("attention", "ctc", "joint")
"""The decoders, see `aocr.model.recognizer`."""

NO_RECTIFICATION, TPS = RECTIFICATIONS = ("none", "tps")
"""The ways to straighten images, see `aocr.model.spatial_transformer`."""

CONTENT, LOCATION = ATTENTIONS = ("content", "location")
"""The attention decoders, see `aocr.model.content_decoder` and `aocr.model.location_decoder`."""

LEFT_TO_RIGHT, RIGHT_TO_LEFT = DIRECTIONS = ("ltr", "rtl")
"""The directions in which text is read, see `aocr.model.reading_direction`."""

TEST_BATCH_SIZE = 64
"""Number of images that `test` and `predict` read at a time."""

MAX_IMAGE_WIDTH = 100_000
"""Largest full width in pixels of a prepared image."""

MAX_ENCODER_UNITS = 16_384
"""Largest number of units of the encoder in each direction: its kernels then take 4 GB each."""

CHANGEABLE_FIELDS = ("read_with",)
"""Fields of `Config` that may be changed after training: they change no variable."""


def width_at_32(width: int, height: int) -> int:
    """Returns the width in pixels, rounded up, of an image scaled to a height of `IMAGE_HEIGHT`."""
    return math.ceil(width / height * IMAGE_HEIGHT)


@dataclasses.dataclass(frozen=True)
class Config:
    """Determines the variables of a model and the preparation of its images.

    Models with equal configs can exchange checkpoints. The defaults are those of aocr 0.7.6
    (docs/compatibility.md, "Command line").
    """

    max_width: int = option(160, "maximum image width in pixels", minimum=1, maximum=100_000)
    max_height: int = option(60, "maximum image height in pixels", minimum=1, maximum=100_000)
    max_prediction: int = option(8, "maximum label length in characters", minimum=1, maximum=10_000)
    characters: str = option(DIGITS_AND_CAPITALS, "characters that the model can read")
    channels: int = option(1, "number of color channels", choices=(1, 3))
    use_gru: bool = option(False, "use GRU cells in the decoder instead of LSTM cells")
    attn_num_layers: int = option(2, "number of decoder layers", minimum=1, maximum=16)
    attn_num_hidden: int = option(
        128, "number of units in each decoder layer", minimum=1, maximum=8192
    )
    target_embedding_size: int = option(
        10, "embedding size of the decoder's input symbols", minimum=1, maximum=4096
    )
    bucket_widths: tuple[int, ...] = option(
        (),
        "widths that batches are padded to, besides the full width: multiples of 4 in increasing "
        "order, in pixels at an image height of 32, such as 48,64,96, or, in training, 'auto'; the "
        "model then ignores padding (default: all batches are padded to the full width)",
        metavar="N,N",
        added_later=True,
        minimum=COLUMN_WIDTH,
        maximum=100_000,
        multiple_of=COLUMN_WIDTH,
    )
    backbone: str = option(
        "sliding",
        "CNN: 'sliding' is that of aocr 0.7.6; 'compact' is several times faster",
        choices=BACKBONES,
        added_later=True,
    )
    resize: str = option(
        CLASSIC_RESIZE,
        "how images are resized: 'classic' as in aocr 0.7.6, which keeps low images low; "
        "'full-height' to a height of 32 pixels, with antialiasing",
        choices=RESIZES,
        added_later=True,
    )
    padding: str = option(
        BLACK,
        "what the model sees at the right of an image: 'black' pixels, as in aocr 0.7.6, or, "
        "'masked', nothing; --bucket-widths always masks padding",
        choices=PADDINGS,
        added_later=True,
    )
    rectify: str = option(
        NO_RECTIFICATION,
        "what straightens images before the CNN: 'tps' learns to do so for curved or tilted text",
        choices=RECTIFICATIONS,
        added_later=True,
    )
    decoder: str = option(
        ATTENTION,
        "decoder; 'joint' trains an attention and a CTC decoder together",
        choices=DECODERS,
        added_later=True,
    )
    attention: str = option(
        CONTENT,
        "attention decoder: 'content' is that of aocr 0.7.6; 'location' also knows where it has "
        "looked before",
        choices=ATTENTIONS,
        added_later=True,
    )
    direction: str = option(
        LEFT_TO_RIGHT,
        "where lines begin: 'ltr' at the left, 'rtl' at the right, as in Arabic and Hebrew",
        choices=DIRECTIONS,
        added_later=True,
    )
    read_with: str | None = option(
        None,
        "which decoder of a joint model reads, also after training (default: attention)",
        choices=(ATTENTION, CTC),
        added_later=True,
    )

    def to_json(self) -> str:
        """Returns the fields as indented JSON, with the resulting image size for human readers."""
        facts = {
            "aocr": __version__,
            "architecture": architecture(self.backbone, self.decoder),
            **dataclasses.asdict(self),
            "preparation": self._preparation,
        }
        return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Config:
        """Returns the config that `to_json` wrote.

        Raises:
            ValueError: the text is not JSON, or a key or value is missing or not permitted.
        """
        facts = parse_object(text)
        _check_architecture(facts)
        check_version(facts, __version__)
        names = {each.name for each in options_of(cls)}
        check_keys(facts, {"aocr", "architecture", "preparation"} | names)
        config = cls(**values_from_json(cls, facts))
        Charset(config.characters)  # raises ValueError if it is empty or repeats a character
        config.check()
        expected = config._preparation
        if (given := facts.get("preparation", expected)) != expected:
            sizes = f"max_width={config.max_width} and max_height={config.max_height}"
            raise ValueError(f"its preparation is {given!r:.80}, but {sizes} lead to {expected}")
        return config

    def check(self) -> None:
        """Raises a ValueError if fields that are permitted each by itself contradict each other."""
        width, units, buckets = self.image_width, self.encoder_units, self.bucket_widths
        if width > MAX_IMAGE_WIDTH:
            raise ValueError(f"max_width / max_height lead to {width} pixels > {MAX_IMAGE_WIDTH}")
        if units > MAX_ENCODER_UNITS:
            raise ValueError(f"attn_num_layers * attn_num_hidden = {units} > {MAX_ENCODER_UNITS}")
        if buckets and buckets[-1] >= width:
            raise ValueError(
                f"--bucket-widths: {buckets[-1]} is not less than the {width} pixels that "
                f"--max-width={self.max_width} --max-height={self.max_height} lead to"
            )
        if self.use_gru and self.attention != CONTENT:
            raise ValueError("use_gru is for attention=content only")
        if self.read_with not in (None, self.decoder) and self.decoder != JOINT:
            raise ValueError(f"read_with={self.read_with} is for decoder=joint only")

    @property
    def _preparation(self) -> dict[str, object]:
        """Preparation of images, as `config.json` states it for human readers."""
        is_classic = self.resize == CLASSIC_RESIZE
        resize = "TensorFlow 1 bicubic" if is_classic else "antialiased, to the full height"
        return {"height": IMAGE_HEIGHT, "width": self.image_width, "resize": resize}

    @property
    def vocab_size(self) -> int:
        """Number of symbols: the characters and the special symbols."""
        return Charset(self.characters).vocab_size

    @property
    def image_width(self) -> int:
        """Full width in pixels of a prepared image."""
        return width_at_32(self.max_width, self.max_height)

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths in pixels that batches of prepared images may have, in increasing order."""
        return (*self.bucket_widths, self.image_width)

    @property
    def padding_counts(self) -> bool:
        """Whether the model sees the padding at the right of an image, as black pixels."""
        return self.padding == BLACK and not self.bucket_widths

    def columns(self, width: int) -> int:
        """Returns how many columns are read of an image of a prepared width without padding."""
        return math.ceil((self.image_width if self.padding_counts else width) / COLUMN_WIDTH)

    @property
    def decoder_steps(self) -> int:
        """Number of decoder steps: one per character of the longest label, EOS, and one spare."""
        return self.max_prediction + 2

    @property
    def encoder_units(self) -> int:
        """Number of units of the encoder's LSTM in each direction."""
        return self.attn_num_layers * self.attn_num_hidden


def architecture(backbone: object, decoder: object) -> str:
    """Returns the name of a network, as `config.json` and the log state it."""
    return f"{backbone} CNN, bidirectional LSTM, {decoder} decoder"


def _check_architecture(facts: dict[str, Any]) -> None:
    """Raises a ValueError if an object is not the config of a model, or contradicts itself."""
    backbone, decoder = (facts.get(n, getattr(Config, n)) for n in ("backbone", "decoder"))
    expected = architecture(backbone, decoder)
    are_known = backbone in BACKBONES and decoder in DECODERS  # the check of values says if not
    if "architecture" not in facts or (are_known and facts["architecture"] != expected):
        raise ValueError(f'it does not say "architecture": "{expected}"')
