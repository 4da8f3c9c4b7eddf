"""Runs `aocr synth`: plans the texts, draws the images, writes them, and reports."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from aocr.config import Config, width_at_32
from aocr.data.images.files import quiet_pillow, read_header
from aocr.data.limits import Limits
from aocr.data.records import files as record_files
from aocr.data.records.files import RawRecord
from aocr.inspection import contact_sheet
from aocr.inspection.inspector import MAX_SHEET_WIDTH
from aocr.inspection.statistics import collect_statistics
from aocr.synthesis.drawing.backgrounds import MAX_PIXELS, find_backgrounds, warn_of_problems
from aocr.synthesis.drawing.image import Plan
from aocr.synthesis.drawing.processes import drawing
from aocr.synthesis.fonts import files as font_files
from aocr.synthesis.fonts.shaping import check_shaping
from aocr.synthesis.options import SynthesisOptions, is_folder_name
from aocr.synthesis.outputs import ANNOTATIONS, open_output
from aocr.synthesis.texts.files import LeftOut
from aocr.synthesis.texts.plan import NO_FONT, TextPlan, plan_texts
from aocr.synthesis.weighted import Likeness, weighted_counts
from aocr.util.errors import UserError
from aocr.util.terminal.console import is_interactive, progress_bar
from aocr.util.text.characters import describe_character, shorten, visible_character, visible_text
from aocr.util.text.plurals import counted

LOG_INTERVAL = 10_000  # images

MAX_ROWS = 100
"""Characters that the table has at most."""


class _Written(NamedTuple):
    """Holds what is left of a run: samples for the contact sheet, and what to report.

    Attributes:
        samples: some records, evenly spread.
        replaced: texts that no font can draw, and that others were drawn in place of.
        problems: what is wrong with background files that could not be decoded.
    """

    samples: list[RawRecord]
    replaced: int
    problems: set[str]


def synthesize(output: str, options: SynthesisOptions) -> None:
    """Draws images of text, and writes them as TFRecords or as a folder.

    Args:
        output: TFRecord file, or a folder if it ends with a slash.
        options: what the flags ask for.

    Raises:
        UserError: the texts, fonts or backgrounds cannot be used, or the output cannot be written.
    """
    with quiet_pillow():
        texts, plan = _plan(options)
        with open_output(output, options) as write:
            written = _draw_and_write(plan, options, write)
    _log_characters(texts)
    _log_left_out(texts.left_out, written.replaced)
    warn_of_problems(written.problems)
    logging.info("%s holds %s.", output, counted(options.count, "image"))
    if is_folder_name(output):
        logging.info(
            "For TFRecords: aocr dataset %s%s --base-dir=%s --no-force-uppercase",
            output,
            ANNOTATIONS,
            output,
        )
    if options.sheet:
        _draw_sheet(options.sheet, written.samples)


def _plan(options: SynthesisOptions) -> tuple[TextPlan, Plan]:
    """Reads all inputs, and returns the texts and what to draw."""
    files = font_files.find_fonts(options.fonts)
    looks = options.looks
    backgrounds = find_backgrounds(looks.backgrounds) if looks.backgrounds else ()
    likeness = _likeness_of(options.texts.like) if options.texts.like else None

    def find_fonts(characters: str) -> font_files.FontSet:
        check_shaping(characters)
        return font_files.coverage(files, characters)

    texts = plan_texts(options.texts, likeness, options.seed, find_fonts)
    plan = Plan(
        source=texts.source,
        fonts=texts.fonts,
        looks=looks,
        background_files=backgrounds,
        likeness=likeness,
        seed=options.seed,
    )
    return texts, plan


def _draw_and_write(
    plan: Plan, options: SynthesisOptions, write: Callable[[bytes, str], None]
) -> _Written:
    wanted = set(contact_sheet.sample_indices(options.count)) if options.sheet else set()
    samples, replaced, problems = [], 0, set[str]()
    with (
        drawing(plan, options.count, options.processes) as images,
        _progress(options.count) as advance,
    ):
        for index, drawn in enumerate(images):
            label = drawn.text.upper() if options.texts.force_uppercase else drawn.text
            write(drawn.encoded, label)
            replaced += drawn.replaced
            problems.update(drawn.problems)
            if index in wanted:
                samples.append(RawRecord(f"record {index + 1}", drawn.encoded, label.encode()))
            advance(index + 1)
    return _Written(samples, replaced, problems)


@contextlib.contextmanager
def _progress(count: int) -> Iterator[Callable[[int], None]]:
    """Shows progress: a bar on a terminal, log lines elsewhere."""
    if is_interactive():
        with progress_bar(count, "images") as bar:
            yield lambda _: bar.update() and None
    else:
        yield _log


def _log(number: int) -> None:
    if number % LOG_INTERVAL == 0:
        logging.info("Drew %i images.", number)


def _draw_sheet(path: str, samples: Sequence[RawRecord]) -> None:
    headers = [read_header(row.image, MAX_PIXELS) for row in samples]
    widest = max(width_at_32(header.width, header.height) for header in headers)
    config = Config(max_width=min(widest, MAX_SHEET_WIDTH), max_height=32, channels=3)
    contact_sheet.write(path, samples, config)
    logging.info("%s shows %s.", path, counted(len(samples), "image"))


def _log_characters(plan: TextPlan) -> None:
    """Logs a table of the characters of the texts that no font has, if there are any."""
    lacking = [c for c in plan.characters if c not in plan.fonts.holders]
    if not lacking:
        return
    logging.warning(
        "No font has %s; no image shows them:",
        counted(len(lacking), "character", "characters"),
    )
    for character in lacking[:MAX_ROWS]:
        logging.warning("  %s  %s", visible_character(character), describe_character(character))
    if len(lacking) > MAX_ROWS:
        logging.warning("  ... and %i more", len(lacking) - MAX_ROWS)


def _log_left_out(left_out: LeftOut, replaced: int) -> None:
    """Logs how many texts were left out, by reason, with examples.

    Args:
        left_out: texts that were left out before anything was drawn.
        replaced: texts that were proposed, and replaced by others because no font can draw them.
    """
    for reason, count in left_out.counts.items():
        examples = ", ".join(shorten(visible_text(text)) for text in left_out.examples[reason])
        logging.warning("Left out: %s %s: %s", counted(count, "text"), reason, examples)
    if replaced:
        logging.warning(
            "Replaced by others: %s that were empty or %s.", counted(replaced, "text"), NO_FONT
        )


def _likeness_of(paths: Sequence[str]) -> Likeness:
    """Reads datasets once and returns how they are distributed.

    Args:
        paths: TFRecords: files, folders or globs.

    Raises:
        UserError: there is no such dataset, or it has no image or no label with a character.
    """
    files = record_files.expand(paths)
    statistics = collect_statistics(record_files.read(files), Limits(), channels=1)
    lengths = {length: count for length, count in statistics.labels.lengths.items() if length}
    sizes = statistics.images.sizes.usual_counts()
    if not lengths or not sizes:
        raise UserError(f"--like: no image with a label in {', '.join(files) or ' '.join(paths)}")
    return Likeness(
        weighted_counts(sizes.heights()),
        weighted_counts(sizes.widths_at_32()),
        weighted_counts(lengths),
        dict(sorted(statistics.labels.occurrences.items())),
    )
