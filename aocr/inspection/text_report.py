"""Formats the summary of a dataset as text for a terminal of 80 columns."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Callable, Iterator

from aocr.config import IMAGE_HEIGHT, width_at_32
from aocr.data.image_sizes import ABSURD
from aocr.data.images.decoder_complaints import COMPLAINED
from aocr.data.images.measuring import BLANK, ON_BLACK
from aocr.data.label_sanity import ALL_KINDS, ProblemCount
from aocr.data.limits import Limits
from aocr.inspection.completeness import Completeness
from aocr.inspection.distribution import Distribution
from aocr.inspection.gray_contrast import GrayContrast
from aocr.inspection.recommendation import Coverage
from aocr.inspection.statistics import MisfitCounts
from aocr.inspection.summary import CharacterCount, DatasetSummary
from aocr.util.text.characters import (
    OPEN_BOX,
    code_point,
    is_visible,
    unicode_name,
    visible_character,
    visible_text,
)
from aocr.util.text.plurals import counted, counted_in_groups

WIDTH, HISTOGRAM_WIDTH, BAR_WIDTH, TITLE_WIDTH = 80, 41, 14, 34  # characters

COVERAGE_ROWS: tuple[tuple[str, Callable[[Coverage], object]], ...] = (
    ("To fit at least", lambda each: f"{each.percent} %"),
    (f"  prepared width, at {IMAGE_HEIGHT} high", lambda each: each.image_width),
    ("  --max-width", lambda each: each.max_width),
    ("  --max-height", lambda each: each.max_height),
    ("    images shrunk to fit", lambda each: each.shrunk),
    ("    images higher, which is harmless", lambda each: each.higher),
    ("  --max-prediction", lambda each: each.max_prediction),
    ("    labels too long", lambda each: each.too_long),
    ("  --charset, characters", lambda each: len(each.characters)),
    ("    labels with others, at most", lambda each: each.unknown_at_most),
)
"""Title and value of each row in the table of recommended flags."""


def format_report(summary: DatasetSummary, limits: Limits) -> str:
    """Returns the whole report.

    Args:
        summary: what the report shows.
        limits: the flags that were given.
    """
    sections = [
        _header(summary),
        [line for each in summary.datasets for line in _completeness(each)],
        _problems(summary),
        _histograms(summary),
        format_characters(summary.characters),
        _coverage(summary.coverage, limits),
        _misfits(summary.fit, limits, summary.records) if summary.fit else [],
        _recommended_flags(summary.flags, summary.coverage),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _header(summary: DatasetSummary) -> list[str]:
    """Returns lines about the dataset as a whole: records, size, files and kinds of images."""
    paths = summary.files
    files = paths[0] if len(paths) == 1 else f"{len(paths)} files"
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in summary.kinds.items()) or "none"
    size = f"{summary.bytes / 1e6:,.1f} MB"
    return [
        f"{counted_in_groups(summary.records, 'record')}, {size}: {visible_text(files)}",
        *textwrap.wrap(f"Images: {kinds}", WIDTH, subsequent_indent="  "),
    ]


def _completeness(dataset: Completeness) -> Iterator[str]:
    """Yields lines about the shards of a dataset, and about what was rejected; none for neither."""
    name = visible_text(dataset.dataset)
    if dataset.shards is not None:
        missing = len(dataset.missing)
        present = f"{dataset.shards - missing:,} of {dataset.shards:,} shards"
        yield f"{name}: {present}, {f'{missing:,} missing' if missing else 'complete'}"
        yield from (f"      missing: {visible_text(path)}" for path in dataset.missing)
    if dataset.rejected:
        count = sum(dataset.rejected.values())
        rejected = counted_in_groups(count, "annotation was rejected", "annotations were rejected")
        yield f"{name}: {rejected} when it was built"
        yield from (f"{count:>9,}  {reason}" for reason, count in dataset.rejected.items())


def _problems(summary: DatasetSummary) -> list[str]:
    """Returns a line for each problem, followed by the first records that have it."""
    lines = [
        *_problem(summary.undecodable, "image cannot be decoded", "images cannot be decoded"),
        *_problem(summary.complained, *COMPLAINED),
        *_problem(summary.on_black, *(f"{each}, shown on black" for each in ON_BLACK)),
        *_problem(summary.blank, *BLANK),
        *_problem(summary.absurd_sizes, *(f"{each}; the flags ignore it" for each in ABSURD)),
        *_problem(summary.empty_labels, "label is empty", "labels are empty"),
        *_problem(
            summary.latin_1_labels,
            "label is not valid UTF-8 and is read as Latin-1",
            "labels are not valid UTF-8 and are read as Latin-1",
        ),
        *_problem(
            summary.labels_not_nfc,
            "label is not in Unicode normalization form NFC",
            "labels are not in Unicode normalization form NFC",
        ),
        *_odd_labels(summary),
        *_duplicates(summary),
        *_lost_in_gray(summary.gray_contrast),
    ]
    return lines or ["No broken image, no image twice, no empty label."]


def _odd_labels(summary: DatasetSummary) -> Iterator[str]:
    """Yields lines about each kind of odd labels; none if there are none."""
    for kind in ALL_KINDS:
        if problem := summary.odd_labels.get(kind.key):
            yield from _problem(problem, kind.singular, kind.plural)


def _problem(problem: ProblemCount, singular: str, plural: str) -> Iterator[str]:
    """Yields lines about a problem; none if no record has it."""
    if problem.count:
        yield counted_in_groups(problem.count, singular, plural)
        yield from (f"      {visible_text(name)}" for name in problem.named)
        if problem.count > len(problem.named):
            yield f"      and {problem.count - len(problem.named):,} more"


def _duplicates(summary: DatasetSummary) -> Iterator[str]:
    """Yields lines about repeated images; none if no image is repeated."""
    if summary.repeated_images:
        records = counted_in_groups(summary.repeated_images, "record repeats", "records repeat")
        yield f"{records} the image of an earlier one"
    contradictions = summary.contradictions
    if contradictions.images:
        images = counted_in_groups(contradictions.images, "image has", "images have")
        yield f"{images} different labels, in {counted_in_groups(contradictions.records, 'record')}"
        for first, *others in contradictions.named:
            yield f"      {first}"
            yield from (f"  and {other}" for other in others)
    for each in summary.shared_images:
        dataset = visible_text(each.dataset)
        are = counted_in_groups(each.images, f"image of {dataset} is", f"images of {dataset} are")
        yield f"{are} also in {visible_text(each.earlier)}"
        yield from (f"      {name}" for name in each.named)


def _lost_in_gray(contrast: GrayContrast) -> Iterator[str]:
    """Yields a line about images that need their colors; none if a model reads well in gray."""
    if contrast.colors_matter:
        images = counted(contrast.sampled, "image")
        yield f"{contrast.lost} of {images} looked at show in color what gray does not: --color"


def _histograms(summary: DatasetSummary) -> list[str]:
    """Returns the histograms, two side by side."""
    histograms = [
        *_histogram("Image width, pixels", summary.width, 0),
        *_histogram("Image height, pixels", summary.height, 0),
        *_histogram("Width / height", summary.aspect, 2),
        *_histogram("Label length, characters", summary.label_length, 0),
    ]
    lines = []
    for start in range(0, len(histograms), 2):
        for row in itertools.zip_longest(*histograms[start : start + 2], fillvalue=""):
            lines.append("".join(cell.ljust(HISTOGRAM_WIDTH) for cell in row).rstrip())
        lines.append("")
    return lines[:-1]


def _histogram(title: str, distribution: Distribution | None, digits: int) -> Iterator[list[str]]:
    """Yields the lines of a histogram: its title, then range, count and bar of each bin.

    Args:
        title: what the values are.
        distribution: the values; None for no histogram.
        digits: number of decimal places of the values.
    """
    if not distribution:
        return
    largest_count = max(each.count for each in distribution.bins)
    lines = [f"{title}; median {distribution.median:.{digits}f}"]
    for each in distribution.bins:
        first, last = f"{each.first:.{digits}f}", f"{each.last:.{digits}f}"
        values = first if first == last else f"{first} - {last}"
        bar = "#" * math.ceil(each.count * BAR_WIDTH / largest_count)
        lines.append(f"{values:>13} {each.count:>9,} {bar}")
    yield lines


def _coverage(coverage: list[Coverage], limits: Limits) -> list[str]:
    """Returns a table with a column for each percentage, and rows of flags and what they cost."""
    lines = []
    for title, value in COVERAGE_ROWS:
        cells = ["-" if value(each) is None else value(each) for each in coverage]
        lines.append(title.ljust(TITLE_WIDTH) + "".join(f"{cell:>12}" for cell in cells))
    if limits.max_height:
        lines.append("  (Without --max-height, a height is chosen that needs the least width.)")
    return lines


def _misfits(misfits: MisfitCounts, limits: Limits, records: int) -> list[str]:
    """Returns lines about the records that exceed the given flags."""
    verb = "fits" if misfits.fitting == 1 else "fit"
    fitting = f"{misfits.fitting:,} of {counted_in_groups(records, 'record')} {verb}"
    return [
        f"With the given flags, {fitting}. Records that exceed a flag:",
        *(f"{count:>9,}  {reason}" for count, reason in _misfit_reasons(misfits, limits)),
        *format_unknown_characters(misfits.unknown_characters),
    ]


def _misfit_reasons(misfits: MisfitCounts, limits: Limits) -> Iterator[tuple[int, str]]:
    """Yields pairs: the number of records that exceed a given flag, and how they exceed it.

    Width and height together give one pair more: the images that are shrunk further.
    """
    width, height = limits.max_width, limits.max_height
    if width:
        yield misfits.too_wide, f"wider than {width} pixels: shrunk, or left out with --drop-wide"
    if height:
        yield misfits.too_high, f"higher than {height} pixels, which is harmless"
    if width and height:
        prepared = width_at_32(width, height)
        reason = f"wider than {prepared} when {IMAGE_HEIGHT} high: shrunk, less sharp"
        yield misfits.squeezed, reason
    if limits.max_prediction:
        yield misfits.too_long, f"with a label longer than {limits.max_prediction}: left out"
    if limits.characters:
        yield misfits.unknown, "with characters outside the charset: left out"


MAX_PART = 0.8
"""Flags for 99 % are the ones to copy if they are at most this part of those for all."""


def _recommended_flags(flags: dict[str, list[str]], coverage: list[Coverage]) -> list[str]:
    """Returns flags to copy, each set in a line however long.

    Those for 99 % come first if a few images or labels make a model much larger; else they are left
    out.
    """
    nearly_all, everything = (each for each in coverage if each.percent >= 99)
    copied = ["Flags to copy into 'aocr train', which fit all:", f"  {' '.join(flags['100 %'])}"]
    if _share(nearly_all, everything) > MAX_PART:
        return copied
    return [
        "Flags to copy into 'aocr train', which fit 99 %:",
        f"  {' '.join(flags['99 %'])}",
        f"Their cost: {_cost(nearly_all)}.",
        "Flags that fit all, for a larger and slower model:",
        copied[1],
    ]


def _share(part: Coverage, whole: Coverage) -> float:
    """Returns the smaller of two quotients: of the prepared widths, and of the longest labels."""
    width = (part.image_width or 1) / (whole.image_width or 1)
    return min(width, part.max_prediction / whole.max_prediction)


def _cost(coverage: Coverage) -> str:
    """Returns what becomes of the records that flags do not fit."""
    shrunk = counted_in_groups(coverage.shrunk, "image is shrunk", "images are shrunk")
    left_out = counted_in_groups(coverage.too_long, "label is", "labels are")
    return f"{shrunk} more, and {left_out} too long to train on"


GRID_WIDTH = 78
"""Width of the grid in characters; with its indent it fits a terminal of 80 columns."""

MAX_CHARACTERS = 40
"""Number of characters outside of ASCII that are listed: half of them the most frequent ones, half
of them the rarest."""

MAX_UNKNOWN = 20
"""Number of characters outside the given charset that are listed."""


def format_characters(characters: list[CharacterCount]) -> list[str]:
    """Returns lines about all characters of the labels.

    Printable ASCII stands in a grid by code point. Other characters follow by frequency.

    Args:
        characters: the characters in the order of their code points.
    """
    in_grid = [c for c in characters if " " <= c.character <= "~"]
    others = [c for c in characters if not " " <= c.character <= "~"]
    others.sort(key=lambda c: (-c.occurrences, c.character))
    total = sum(c.occurrences for c in characters)
    header = f"Characters: {len(characters):,} different, {total:,} in all"
    return [header, *_grid(in_grid), *_list(others)]


def _grid(characters: list[CharacterCount]) -> list[str]:
    """Returns lines of characters with their counts, in columns of equal width."""
    cells = [f"{c.character.replace(' ', OPEN_BOX)} {c.occurrences}" for c in characters]
    width = max(map(len, cells), default=0) + 2
    columns = GRID_WIDTH // width
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    lines = ["  " + "".join(cell.ljust(width) for cell in row).rstrip() for row in rows]
    has_space = any(c.character == " " for c in characters)
    return [*lines, f"  ({OPEN_BOX} is the space)"] if has_space else lines


def _list(characters: list[CharacterCount]) -> list[str]:
    """Returns a line for each character; leaves out those in the middle if there are many."""
    lines = [_line(c.character, c.occurrences, 9) for c in characters]
    if len(lines) <= MAX_CHARACTERS:
        return lines
    half = MAX_CHARACTERS // 2
    between = f"           ... {len(lines) - MAX_CHARACTERS:,} more, see --json ..."
    return [*lines[:half], between, *lines[-half:]]


def format_unknown_characters(labels_with: dict[str, int]) -> list[str]:
    """Returns lines about characters outside the charset, the most frequent first.

    Args:
        labels_with: number of labels that contain each of these characters.
    """
    characters = sorted(labels_with.items(), key=lambda item: (-item[1], item[0]))
    lines = [_line(c, labels, 13) for c, labels in characters[:MAX_UNKNOWN]]
    left_out = len(characters) - len(lines)
    if left_out:
        more = counted(left_out, "more character")
        lines.append(f"               and {more}, see --json")
    return lines


def _line(character: str, count: int, width: int) -> str:
    """Returns a line about a character, with its count right-aligned to a width.

    The character itself stands last, where a right-to-left one does not move the rest of the line.
    """
    shown = visible_character(character) if is_visible(character) else ""
    return (
        f"{count:>{width},}  {code_point(character):<8} {unicode_name(character)}  {shown}".rstrip()
    )
