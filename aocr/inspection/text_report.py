"""What `aocr inspect` found out, as text for a terminal of 80 columns."""

from __future__ import annotations

import itertools
import textwrap
import unicodedata
from collections.abc import Iterator

from aocr.config import IMAGE_HEIGHT, Fit
from aocr.inspection.recommendation import Coverage, Misfits, width_at_32
from aocr.inspection.statistics import Problem
from aocr.inspection.summary import Character, Facts, Spread
from aocr.util.characters import DOTTED_CIRCLE, OPEN_BOX, code_point, unicode_name, visible_text

WIDTH, COLUMN, BAR = 80, 41, 14  # characters
MOST_CHARACTERS = 40
"""Characters outside of ASCII that are listed, half of them frequent and half of them rare."""

UNKNOWN_LISTED = 20


def to_text(facts: Facts, fit: Fit) -> str:
    """The whole report.

    Args:
        facts: what was found.
        fit: the flags that were given.
    """
    sections = [_head(facts), _problems(facts), _histograms(facts), _characters(facts.characters)]
    sections.append(_coverage(facts.coverage, fit))
    if facts.fit:
        sections.append(_misfits(facts.fit, fit, facts.records))
    sections.append(_flags(facts.flags))
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _head(facts: Facts) -> list[str]:
    files = facts.files[0] if len(facts.files) == 1 else f"{len(facts.files)} files"
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in facts.kinds.items()) or "none"
    size = f"{facts.bytes / 1e6:,.1f} MB"
    return [
        f"{facts.records:,} records, {size}: {visible_text(files)}",
        *_wrapped(f"Images: {kinds}"),
    ]


def _problems(facts: Facts) -> list[str]:
    """What is wrong, if anything, each with the first records that have it."""
    lines = [
        *_problem("images cannot be decoded", facts.undecodable),
        *_problem("labels are empty", facts.empty_labels),
        *_problem("labels are not UTF-8, read as Latin-1", facts.latin_1_labels),
        *_problem("labels are not in Unicode's normal form NFC", facts.labels_not_nfc),
    ]
    if facts.repeated_images:
        lines.append(f"{facts.repeated_images:,} records repeat the image of an earlier one")
    contradictions = facts.contradictions
    if contradictions.images:
        lines.append(
            f"{contradictions.images:,} images have different labels, in "
            f"{contradictions.records:,} records"
        )
        for names in contradictions.named:
            lines += [f"  {'and' if number else '   '} {n}" for number, n in enumerate(names)]
    return lines or ["No broken image, no image twice, no empty label."]


def _problem(title: str, problem: Problem) -> Iterator[str]:
    if problem.count:
        yield f"{problem.count:,} {title}"
        yield from (f"      {visible_text(name)}" for name in problem.named)
        if problem.count > len(problem.named):
            yield f"      and {problem.count - len(problem.named):,} more"


def _histograms(facts: Facts) -> list[str]:
    """Two and two side by side."""
    cells = [
        _histogram("Image width, pixels", facts.width, 0),
        _histogram("Image height, pixels", facts.height, 0),
        _histogram("Width / height", facts.aspect, 2),
        _histogram("Label length, characters", facts.label_length, 0),
    ]
    cells = [cell for cell in cells if cell]
    lines = []
    for number in range(0, len(cells), 2):
        lines += [*_side_by_side(*cells[number : number + 2]), ""]
    return lines[:-1]


def _side_by_side(*cells: list[str]) -> list[str]:
    rows = itertools.zip_longest(*cells, fillvalue="")
    return ["".join(cell.ljust(COLUMN) for cell in row).rstrip() for row in rows]


def _histogram(title: str, spread: Spread | None, digits: int) -> list[str]:
    """A title and a line a bin: its range, its count, a bar."""
    if not spread:
        return []
    most = max(each.count for each in spread.bins)
    lines = [f"{title}; median {spread.median:.{digits}f}"]
    for each in spread.bins:
        ends = dict.fromkeys(f"{end:.{digits}f}" for end in (each.first, each.last))
        bar = "#" * -(-each.count * BAR // most)
        lines.append(f"{' - '.join(ends):>13} {each.count:>9,} {bar}")
    return lines


def _characters(characters: list[Character]) -> list[str]:
    """ASCII in a grid, in code-point order; the others with their names, by frequency."""
    grid = [c for c in characters if " " <= c.character <= "~"]
    others = [c for c in characters if c not in grid]
    others.sort(key=lambda c: (-c.occurrences, c.character))
    total = sum(c.occurrences for c in characters)
    return [
        f"Characters: {len(characters):,} different, {total:,} in all",
        *_grid(grid),
        *_named(others),
    ]


def _grid(characters: list[Character]) -> list[str]:
    cells = [f"{c.character.replace(' ', OPEN_BOX)} {c.occurrences}" for c in characters]
    width = max(map(len, cells), default=0) + 2
    columns = (WIDTH - 2) // width if cells else 1
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    lines = ["  " + "".join(cell.ljust(width) for cell in row).rstrip() for row in rows]
    return lines + [f"  ({OPEN_BOX} is the space)"] * (OPEN_BOX in "".join(cells))


def _named(characters: list[Character]) -> list[str]:
    """A line each; the character last, so that right-to-left ones move nothing but themselves."""
    lines = [
        f"{c.occurrences:>9,}  {c.code_point:<8} {c.name}  {_drawn(c.character)}".rstrip()
        for c in characters
    ]
    if len(lines) <= MOST_CHARACTERS:
        return lines
    half = MOST_CHARACTERS // 2
    between = f"           ... {len(lines) - MOST_CHARACTERS:,} more, see --json ..."
    return [*lines[:half], between, *lines[-half:]]


def _drawn(character: str) -> str:
    """A mark on a circle, nothing for what cannot be seen."""
    category = unicodedata.category(character)[0]
    return "" if category in "CZ" else DOTTED_CIRCLE * (category == "M") + character


def _coverage(coverage: list[Coverage], fit: Fit) -> list[str]:
    """A table: a column a percentage, a line a flag with what it costs."""
    rows: dict[str, list] = {
        "To fit at least": [f"{each.percent} %" for each in coverage],
        f"  prepared width, at {IMAGE_HEIGHT} high": [each.image_width for each in coverage],
        "  --max-width": [each.max_width for each in coverage],
        "  --max-height": [each.max_height for each in coverage],
        "    images shrunk to fit": [each.shrunk for each in coverage],
        "    images higher, which is harmless": [each.higher for each in coverage],
        "  --max-prediction": [each.max_prediction for each in coverage],
        "    labels too long": [each.too_long for each in coverage],
        "  --charset, characters": [len(each.characters) for each in coverage],
        "    labels with others, at most": [each.unknown_at_most for each in coverage],
    }
    hint = "  (Without --max-height here, one is chosen that makes the prepared width least.)"
    return [
        title.ljust(34) + "".join(f"{'-' if cell is None else cell:>12}" for cell in cells)
        for title, cells in rows.items()
    ] + [hint] * bool(fit.max_height)


def _misfits(found: Misfits, fit: Fit, total: int) -> list[str]:
    """What the flags given do to the records."""
    wide, high, long = fit.max_width, fit.max_height, fit.max_prediction
    prepared = _prepared(fit)
    rows = {
        f"wider than {wide} pixels: shrunk, left out by --drop-wide": wide and found.too_wide,
        f"higher than {high} pixels, which is harmless": high and found.too_high,
        f"wider than {prepared} when {IMAGE_HEIGHT} high: shrunk, less sharp": prepared
        and found.squeezed,
        f"with a label longer than {long}: left out": long and found.too_long,
        "with characters outside the charset: left out": fit.characters and found.unknown,
    }
    return [
        f"With the flags given {found.fitting:,} of {total:,} records fit; there are",
        *(f"{count:>9,}  {text}" for text, count in rows.items() if count is not None),
        *_unknown(found),
    ]


def _prepared(fit: Fit) -> int | None:
    """Pixels of the width that the flags prepare to, if they say."""
    if not fit.max_width or not fit.max_height:
        return None
    return width_at_32(fit.max_width, fit.max_height)


def _flags(flags: dict[str, list[str]]) -> list[str]:
    """To copy; those for nearly all only where they differ."""
    lines = ["Flags that fit all:", f"  {' '.join(flags['100 %'])}"]
    if flags["99 %"] != flags["100 %"]:
        lines += ["Flags that fit 99 % of the images and of the labels' lengths:"]
        lines += [f"  {' '.join(flags['99 %'])}"]
    return lines


def _unknown(found: Misfits) -> list[str]:
    characters = sorted(found.unknown_characters.items(), key=lambda item: (-item[1], item[0]))
    lines = [
        f"{count:>13,}  {code_point(c):<8} {unicode_name(c)}  {_drawn(c)}".rstrip()
        for c, count in characters[:UNKNOWN_LISTED]
    ]
    more = len(characters) - len(lines)
    return lines + [f"               and {more:,} characters more, see --json"] * (more > 0)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ")
