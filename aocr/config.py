"""Defines what a model is: `Config`.

Each field states its help text and its permitted values, from which flags and checks derive.
"""

from __future__ import annotations

import dataclasses
import math

from aocr.charset import DIGITS_AND_CAPITALS, Charset
from aocr.util.options import option

IMAGE_HEIGHT = 32
"""Height in pixels of every prepared image."""

COLUMN_WIDTH = 4
"""Width in pixels of a prepared image per feature column: the CNN halves the width twice."""

SLIDING, COMPACT = BACKBONES = ("sliding", "compact")
"""The CNNs, see the modules of these names in `aocr.model`."""

CLASSIC_RESIZE, FULL_HEIGHT = RESIZES = ("classic", "full-height")
"""The ways to bring images to a size, see `aocr.data.images.preprocessing`."""

CLASSIC_GRAY, LUMA = GRAYS = ("classic", "luma")
"""The ways to make gray of colors, see `aocr.data.images.preprocessing`."""

BLACK, MASKED = PADDINGS = ("black", "masked")
"""The ways to show the padding at the right of an image to the model."""

ATTENTION, CTC, JOINT = DECODERS = ("attention", "ctc", "joint")
"""The decoders, see `aocr.model.recognizer`."""

CONTENT, LOCATION = ATTENTIONS = ("content", "location")
"""The attention decoders, see `aocr.model.decoders.content` and `aocr.model.decoders.location`."""

LEFT_TO_RIGHT, RIGHT_TO_LEFT = DIRECTIONS = ("ltr", "rtl")
"""The directions in which text is read, see `aocr.model.decoders.composed`."""

TEST_BATCH_SIZE = 64
"""Number of images that `test` and `predict` read at a time."""

MAX_PIXELS = 50_000_000
"""Number of pixels (width times height) of the largest image that is decoded."""

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

    Without `bucket_widths`, all images are padded to the same width. With bucket widths, a batch is
    padded to the smallest width that its images fit into. The model sees padding as black pixels,
    as in 0.7.6, unless there are bucket widths or `padding` masks it.
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
    gray: str = option(
        CLASSIC_GRAY,
        "how colors become gray: 'classic' as in aocr 0.7.6, by the decoder of each image format; "
        "'luma' as 0.299 R + 0.587 G + 0.114 B in all formats",
        choices=GRAYS,
        added_later=True,
    )
    padding: str = option(
        BLACK,
        "what the model sees at the right of an image: 'black' pixels, as in aocr 0.7.6, or, "
        "'masked', nothing; --bucket-widths always masks padding",
        choices=PADDINGS,
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
        "where lines begin: 'ltr' at the left, 'rtl' at the right, as in Arabic and Hebrew; labels "
        "begin with the character that is read first",
        choices=DIRECTIONS,
        added_later=True,
    )
    read_with: str | None = option(
        None,
        "which decoder of a joint model reads, also after training (default: attention)",
        choices=(ATTENTION, CTC),
        added_later=True,
    )

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
    def reading_decoder(self) -> str:
        """The decoder that reads: `ATTENTION` or `CTC`."""
        return self.read_with or (ATTENTION if self.decoder == JOINT else self.decoder)

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
        """Returns the number of feature columns that a model reads of an image.

        Args:
            width: width of the prepared image without padding, in pixels.
        """
        return math.ceil((self.image_width if self.padding_counts else width) / COLUMN_WIDTH)

    @property
    def decoder_steps(self) -> int:
        """Number of decoder steps: one per character of the longest label, EOS, and one spare."""
        return self.max_prediction + 2

    @property
    def encoder_units(self) -> int:
        """Number of units of the encoder's LSTM in each direction."""
        return self.attn_num_layers * self.attn_num_hidden
