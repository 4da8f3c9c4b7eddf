"""Which `--max-width --max-height --max-prediction --charset` the records of a dataset need."""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from aocr.config import IMAGE_HEIGHT, Limits, width_at_32

PERCENTAGES = (95, 99, 100)


@dataclasses.dataclass(frozen=True)
class Coverage:
    """The smallest flags with which a percentage of the records fits, for each flag by itself.

    Attributes:
        percent: at least so many images are not shrunk to fit, labels not too long, and so on.
        max_width: pixels; None without an image.
        max_height: pixels; None without an image.
        image_width: pixels of every image after preparation; None without an image.
        shrunk: images that are wider than `max_width`, or than `image_width` at 32 high.
        higher: images higher than `max_height`, which as such changes nothing for a model.
        max_prediction: characters.
        too_long: labels that are longer.
        characters: in code-point order.
        unknown_at_most: labels with other characters; one with several is counted several times.
    """

    percent: int
    max_width: int | None
    max_height: int | None
    image_width: int | None
    shrunk: int
    higher: int
    max_prediction: int
    too_long: int
    characters: str
    unknown_at_most: int


class Flags(NamedTuple):
    """`--max-width`, `--max-height`, and how many images they shrink to fit."""

    max_width: int
    max_height: int
    shrunk: int


@dataclasses.dataclass
class Misfits:
    """How many records do not fit the flags given, by reason; a record may have several.

    Attributes:
        fitting: records whose image is neither too wide nor squeezed, and whose label can be
            spelt. An image that is only too high is as good as any other: see `too_high`.
        too_wide: wider than `--max-width`.
        too_high: higher than `--max-height`.
        squeezed: at a height of 32 pixels wider than the flags prepare to, so shrunk further.
        too_long: label longer than `--max-prediction`.
        unknown: label with characters outside the charset.
        unknown_characters: those characters, each with the records that have it.
    """

    fitting: int = 0
    too_wide: int = 0
    too_high: int = 0
    squeezed: int = 0
    too_long: int = 0
    unknown: int = 0
    unknown_characters: dict[str, int] = dataclasses.field(default_factory=dict)

    def add(self, fit: Limits, size: tuple[int, int] | None, label: str) -> None:
        """Counts a record; size is width and height in pixels, None if the image has none."""
        width, height = size or (0, 1)
        too_wide = fit.max_width is not None and width > fit.max_width
        squeezed = bool(
            fit.max_width
            and fit.max_height
            and width_at_32(width, height) > width_at_32(fit.max_width, fit.max_height)
        )
        too_long = fit.max_prediction is not None and len(label) > fit.max_prediction
        unknown = set(label).difference(fit.characters) if fit.characters else set()
        self.too_wide += too_wide
        self.too_high += fit.max_height is not None and height > fit.max_height
        self.squeezed += squeezed
        self.too_long += too_long
        self.unknown += bool(unknown)
        for character in unknown:
            count = self.unknown_characters.get(character, 0)
            self.unknown_characters[character] = count + 1
        self.fitting += not (size is None or too_wide or squeezed or too_long or unknown)


@dataclasses.dataclass
class Widths:
    """What it takes to choose `--max-width` and `--max-height`, in memory that images do not fill.

    With `--max-height` chosen already: images counted by the `--max-width` that each needs.
    Else: by their width at a height of 32, each count with the widest image in it.

    Attributes:
        max_height: pixels, or None.
        counts: images by one width or the other.
        widest: by the same widths, pixels.
    """

    max_height: int | None
    counts: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    widest: dict[int, int] = dataclasses.field(default_factory=dict)

    def add(self, width: int, height: int) -> None:
        """Counts an image; pixels."""
        key = width_at_32(width, height)
        if self.max_height:
            key = max(width, _smallest_max_width(key, self.max_height))
        self.counts[key] += 1
        self.widest[key] = max(width, self.widest.get(key, 0))

    def flags(self, percent: int, lowest: int) -> Flags:
        """The flags that fit a percentage of the images and prepare to the narrowest images.

        That width depends on the ratio of the flags only: the height is free.

        Args:
            percent: of the images.
            lowest: the least `--max-height` to choose.
        """
        limit = quantile(self.counts, percent)
        if self.max_height:
            return Flags(limit, self.max_height, self._beyond(limit, limit))
        widest = max(width for key, width in self.widest.items() if key <= limit)
        max_height = max(lowest, math.ceil(widest * IMAGE_HEIGHT / limit))
        max_width = max(widest, _smallest_max_width(limit, max_height))
        shrunk = self._beyond(width_at_32(max_width, max_height), max_width)
        return Flags(max_width, max_height, shrunk)

    def _beyond(self, limit: int, max_width: int) -> int:
        """Images over a limit of their key, or in one count with an image that is too wide."""
        return sum(
            count
            for key, count in self.counts.items()
            if key > limit or self.widest[key] > max_width
        )


def _smallest_max_width(prepared: int, max_height: int) -> int:
    """The smallest `--max-width` that, with this height, prepares to images of a width."""
    return (prepared - 1) * max_height // IMAGE_HEIGHT + 1


class _Alphabet(NamedTuple):
    characters: str
    left_out_at_most: int


def coverage(
    widths: Widths,
    heights: Mapping[int, int],
    lengths: Mapping[int, int],
    containing: Mapping[str, int],
) -> list[Coverage]:
    """What 95, 99 and 100 % coverage need.

    Args:
        widths: of the images.
        heights: images by their height in pixels.
        lengths: labels by their length.
        containing: characters with how many labels have them.
    """
    return [_coverage(percent, widths, heights, lengths, containing) for percent in PERCENTAGES]


def _coverage(percent: int, widths: Widths, heights, lengths, containing) -> Coverage:
    flags = widths.flags(percent, quantile(heights, percent)) if widths.counts else None
    longest = max(1, quantile(lengths, percent))
    alphabet = _alphabet(percent, containing, sum(lengths.values()))
    return Coverage(
        percent=percent,
        max_width=flags and flags.max_width,
        max_height=flags and flags.max_height,
        image_width=flags and width_at_32(flags.max_width, flags.max_height),
        shrunk=flags.shrunk if flags else 0,
        higher=_over(heights, flags.max_height) if flags else 0,
        max_prediction=longest,
        too_long=_over(lengths, longest),
        characters=alphabet.characters,
        unknown_at_most=alphabet.left_out_at_most,
    )


def _alphabet(percent: int, containing: Mapping[str, int], labels: int) -> _Alphabet:
    """Leaves out the rarest characters, as long as their labels together are few enough."""
    spare = labels * (100 - percent) // 100
    left_out, total = set(), 0
    for character, count in sorted(containing.items(), key=lambda item: (item[1], item[0])):
        if total + count > spare:
            break
        left_out.add(character)
        total += count
    return _Alphabet("".join(sorted(set(containing) - left_out)), total)


def _over(counts: Mapping[int, int], limit: int) -> int:
    return sum(count for value, count in counts.items() if value > limit)


def quantile(counts: Mapping[int, int], percent: int) -> int:
    """The smallest value that at least a percentage of the counted ones does not exceed."""
    wanted = math.ceil(sum(counts.values()) * percent / 100)
    return _value_at(sorted(counts.items()), max(1, wanted))


def _value_at(items: Iterable[tuple[int, int]], rank: int) -> int:
    """The value at a rank, from 1, of values in order with their counts."""
    passed = 0
    for value, count in items:
        passed += count
        if passed >= rank:
            return value
    raise ValueError(f"there are not {rank} values")
