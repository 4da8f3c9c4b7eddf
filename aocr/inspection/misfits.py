"""Counts the records that exceed the limits of a model."""

from __future__ import annotations

import dataclasses

from aocr.config import width_at_32
from aocr.data.limits import ImageCheck, Limits, check_image, check_label


@dataclasses.dataclass
class MisfitCounts:
    """Counts the records that do not fit a model, by reason; a record may have several.

    The names of the fields are keys of `aocr inspect --json`.

    Attributes:
        fitting: records whose image is neither too wide nor squeezed and whose label the model can
            transcribe. An image that is only too high fits: see `too_high`.
        too_wide: images wider than `max_width`.
        too_high: images higher than `max_height`. Preparation scales any height to 32 pixels.
        squeezed: images that, at a height of 32 pixels, are wider than the prepared width, and are
            therefore shrunk further.
        too_long: labels longer than `max_prediction`.
        unknown: labels with characters outside the charset.
        unknown_characters: number of labels with each character outside the charset.
    """

    fitting: int = 0
    too_wide: int = 0
    too_high: int = 0
    squeezed: int = 0
    too_long: int = 0
    unknown: int = 0
    unknown_characters: dict[str, int] = dataclasses.field(default_factory=dict)

    def add(self, limits: Limits, size: tuple[int, int] | None, label: str) -> None:
        """Counts one record.

        Args:
            limits: the limits of the model; one that is None is not checked.
            size: width and height of the image in pixels; None if it cannot be decoded.
            label: the label.
        """
        label_check = check_label(label, limits)
        image_check = check_image(*size, limits) if size else ImageCheck(False, False)
        squeezed = size is not None and _is_squeezed(size, limits)
        self.too_wide += image_check.too_wide
        self.too_high += image_check.too_high
        self.squeezed += squeezed
        self.too_long += label_check.too_long
        self.unknown += bool(label_check.unknown)
        for character in sorted(label_check.unknown):  # the same order in every run
            count = self.unknown_characters.get(character, 0)
            self.unknown_characters[character] = count + 1
        self.fitting += bool(
            size and not image_check.too_wide and not squeezed and label_check.fits
        )


def _is_squeezed(size: tuple[int, int], limits: Limits) -> bool:
    """Returns whether an image is wider at a height of 32 pixels than the prepared width."""
    if not limits.max_width or not limits.max_height:
        return False
    return width_at_32(*size) > width_at_32(limits.max_width, limits.max_height)
