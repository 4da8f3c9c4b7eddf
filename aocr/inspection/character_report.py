"""Lists characters as text: ASCII in a grid, others with their Unicode names."""

from __future__ import annotations

from aocr.inspection.summary import CharacterCount
from aocr.util.text.characters import (
    OPEN_BOX,
    code_point,
    is_visible,
    unicode_name,
    visible_character,
)
from aocr.util.text.plurals import counted

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
        characters: in the order of their code points.
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
