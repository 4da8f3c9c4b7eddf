"""Reports what could not be drawn: characters that no font has, and texts that were left out."""

from __future__ import annotations

import logging

from aocr.synthesis.texts.files import LeftOut
from aocr.synthesis.texts.plan import NO_FONT, TextPlan
from aocr.util.text.characters import describe_character, shorten, visible_character, visible_text
from aocr.util.text.plurals import counted

MAX_ROWS = 100
"""Characters that the table has at most."""


def log_characters(plan: TextPlan) -> None:
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


def log_left_out(left_out: LeftOut, replaced: int) -> None:
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
