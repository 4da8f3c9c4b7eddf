"""Finds the characters that a font draws as something else, by comparing what it draws.

Fonts of ornaments have pictures in place of letters, and many others draw capitals for small
letters. What they say of themselves does not tell, so the characters of ASCII are compared with
those of a reference face, Pillow's own, and with each other.
"""

from __future__ import annotations

import functools
import string
import unicodedata
from collections.abc import Callable

import numpy as np

from aocr.synthesis.fonts.choice import CELL, FontFile, ink_of
from aocr.synthesis.options import BUILT_IN
from aocr.util.text.drawing import UNASSIGNED

ORNAMENTS = "drawn as other signs"
CAPITALS = "small letters drawn as capitals"
SMALL_LETTERS = "capitals drawn as small letters"
ALIKE = "letters drawn alike in both cases"
SAME_SIGNS = "punctuation drawn exactly alike"
TWINS = "drawn exactly as their capital, or as their letter without its mark"

_COMPARED = string.ascii_lowercase + string.ascii_uppercase + string.digits + string.punctuation
_LOWER, _UPPER, _DIGITS, _PUNCTUATION = slice(26), slice(26, 52), slice(52, 62), slice(62, 94)
_TELLING = [ord(letter) - ord("a") for letter in "abdefghilmnqrty"]
"""Numbers of the letters whose two forms differ in more than their size."""

_GRID = 16
_REACH = 2.2
"""Half the width of the compared area, in standard deviations of the ink."""

_SLANT = 0.25
"""Slant of the second reference, for italics: pixels to the right for each upwards."""

_FEWEST = 8
"""Characters that a judgement needs at least."""

_Test = Callable[[str], bool]

_PARTS: tuple[tuple[slice, float, _Test], ...] = (
    (slice(None), 0.4, lambda character: not character.isspace()),
    (slice(52), 0.4, str.isalpha),
    (_LOWER, 0.46, str.islower),
    (_UPPER, 0.46, str.isupper),
    (_DIGITS, 0.46, str.isdigit),
    (_PUNCTUATION, 0.4, string.punctuation.__contains__),
)
"""Parts of the compared characters, the mean place from which they are other signs, and a test of
what else is. By chance the mean is 0.5. Of 1,100 faces, the most florid script has 0.25 in all and
0.43 in capitals."""

_CAPITAL, _MOST = 0.1, 0.75
"""Mean difference in likeness from which a case is the other, and the share of its letters that
must agree. Fonts with two cases have means below 0.05; the least of those without has 0.11."""

_SAME = 0.9
"""Likeness of equal shapes."""

_LAST_LATIN = "\u024f"


def misdrawn(file: FontFile, characters: str) -> dict[str, str]:
    """Returns characters that a font has but does not draw as what they are, by reason.

    Args:
        file: a font.
        characters: characters that the font has a glyph for, to choose from.
    """
    if not characters:
        return {}
    rest, found = characters, {}
    tests = _judge(file)
    cases_differ = SMALL_LETTERS not in tests
    for reason, is_wrong in [*tests.items(), (TWINS, _test_of_twins(file, cases_differ))]:
        if wrong := "".join(filter(is_wrong, rest)):
            found[reason] = wrong
            rest = "".join(character for character in rest if character not in wrong)
    return found


@functools.cache
def _judge(file: FontFile) -> dict[str, _Test]:
    """Returns tests of the characters that a font does not draw, by reason."""
    cells = _cells(file, _COMPARED + UNASSIGNED)
    missing, cells = cells[-1], cells[:-1]
    is_there = cells.any((1, 2)) & (cells != missing).any((1, 2))
    shapes = _shapes(cells)
    likeness = _likeness(shapes)
    tests: dict[str, _Test] = {}
    if is_others := _tests_of_ornaments(_places(likeness), is_there):
        tests[ORNAMENTS] = lambda c: c <= _LAST_LATIN and any(test(c) for test in is_others)
    if same := _same_signs(cells, is_there):
        tests[SAME_SIGNS] = same.__contains__
    telling = [number for number in _TELLING if is_there[number] and is_there[26 + number]]
    if len(telling) >= _FEWEST:
        tests |= _tests_of_cases(likeness, shapes, np.array(telling))
    return tests


def _tests_of_ornaments(places: np.ndarray, is_there: np.ndarray) -> list[_Test]:
    """Returns tests of the Latin characters that are other signs; all are if most are."""
    found = []
    for part, chance, is_in in _PARTS:
        present = places[part][is_there[part]]
        if len(present) >= _FEWEST and present.mean() > chance:
            found.append(is_in)
    return found


def _same_signs(cells: np.ndarray, is_there: np.ndarray) -> set[str]:
    """Returns the punctuation whose pixels are those of other punctuation, as on typewriters."""
    signs: dict[bytes, list[str]] = {}
    for number in range(_PUNCTUATION.start, _PUNCTUATION.stop):
        if is_there[number]:
            signs.setdefault(cells[number].tobytes(), []).append(_COMPARED[number])
    return {sign for alike in signs.values() if len(alike) > 1 for sign in alike}


def _tests_of_cases(
    likeness: np.ndarray, shapes: np.ndarray, small: np.ndarray
) -> dict[str, _Test]:
    """Returns the test of letters in a case that is drawn as the other, if there are any.

    Args:
        likeness: float32 `[94, 94]`, of what is drawn and the reference.
        shapes: float32 `[94, _GRID * _GRID]`, what is drawn.
        small: int64 `[N]`, numbers of the small letters to compare with their capitals.
    """
    capital = small + 26
    if _are_other(likeness[small, capital] - likeness[small, small]):
        return {CAPITALS: str.islower}
    if _are_other(likeness[capital, small] - likeness[capital, capital]):
        return {SMALL_LETTERS: str.isupper}
    is_alike = (shapes[small] * shapes[capital]).sum(1) > _SAME
    return {ALIKE: lambda c: c.islower() or c.isupper()} if is_alike.mean() > 0.5 else {}


def _are_other(differences: np.ndarray) -> bool:
    """Returns whether letters are those of the other case, as their differences in likeness say."""
    return bool(differences.mean() > _CAPITAL and (differences > 0).mean() >= _MOST)


def _places(likeness: np.ndarray) -> np.ndarray:
    """Returns the place of the right character by likeness, from 0, the first, to almost 1.

    Letters are compared with letters of either case, digits with both, punctuation with its like.

    Args:
        likeness: float32 `[94, 94]`, of what is drawn and the reference.
    """
    letters = np.maximum(likeness[:, _LOWER], likeness[:, _UPPER])
    with_digits = np.concatenate([letters, likeness[:, _DIGITS]], 1)
    parts = [
        _places_of(letters[_LOWER], 0),
        _places_of(letters[_UPPER], 0),
        _places_of(with_digits[_DIGITS], 26),
        _places_of(likeness[_PUNCTUATION, _PUNCTUATION], 0),
    ]
    return np.concatenate(parts)


def _places_of(likeness: np.ndarray, first: int) -> np.ndarray:
    """Returns the share of columns above the right one; that of row 0 is `first`."""
    right = np.diagonal(likeness, first)
    return (likeness > right[:, np.newaxis]).mean(1)


def likeness_to_reference(file: FontFile, characters: str) -> float:
    """Returns the mean likeness of what a font draws to what the reference draws, to 1.

    Args:
        file: the font.
        characters: printable ASCII to compare.
    """
    shapes = _shapes(_cells(file, characters))
    numbers = [_COMPARED.index(character) for character in characters]
    likeness = [(shapes * reference[numbers]).sum(1) for reference in _references()]
    return float(np.max(likeness, 0).mean())


def _likeness(shapes: np.ndarray) -> np.ndarray:
    """Returns how like the reference what is drawn is: float32 `[N, 94 of the reference]`, to 1."""
    # not `@`, whose threads cost more than products of this size
    return np.max([np.einsum("ik,jk->ij", shapes, each) for each in _references()], 0)


@functools.cache
def _references() -> list[np.ndarray]:
    """Returns the shapes of the reference face, upright and slanted."""
    cells = _cells(FontFile(BUILT_IN), _COMPARED)
    slanted = np.zeros_like(cells)
    for row in range(CELL):
        shift = round(_SLANT * (CELL // 2 - row))
        slanted[:, row] = np.roll(cells[:, row], shift, axis=1)
    return [_shapes(cells), _shapes(slanted)]


def _cells(file: FontFile, characters: str) -> np.ndarray:
    """Returns characters as they are drawn, each in a square: uint8 `[N, CELL, CELL]`."""
    drawn = b"".join(ink_of(file, character) for character in characters)
    return np.frombuffer(drawn, np.uint8).reshape(len(characters), CELL, CELL)


def _shapes(cells: np.ndarray) -> np.ndarray:
    """Returns shapes whose products are their likeness, whatever their place, size and width.

    Each is sampled around the centre of its ink, in steps of its standard deviations, because
    flourishes and serifs change these less than they change the edges.

    Returns: float32 `[N, _GRID * _GRID]`, each with a mean of 0 and a length of 1, or all 0.
    """
    ink = cells.astype(np.float32) + 1e-6
    total = ink.sum((1, 2))
    samples = []
    for axis in (1, 2):
        profile = ink.sum(3 - axis) / total[:, np.newaxis]  # [N, CELL]
        centre = profile @ np.arange(CELL)
        spread = np.sqrt(np.maximum(profile @ np.arange(CELL) ** 2 - centre**2, 1))
        steps = np.linspace(-_REACH, _REACH, 2 * _GRID)
        places = np.round(centre[:, np.newaxis] + spread[:, np.newaxis] * steps)
        samples.append(np.clip(places, 0, CELL - 1).astype(int))
    numbers = np.arange(len(cells))[:, np.newaxis, np.newaxis]
    fine = ink[numbers, samples[0][:, :, np.newaxis], samples[1][:, np.newaxis]]
    coarse = fine.reshape(-1, _GRID, 2, _GRID, 2).mean((2, 4)).reshape(len(cells), -1)
    centred = coarse - coarse.mean(1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-3)


def _test_of_twins(file: FontFile, cases_differ: bool) -> _Test:
    """Returns a test of characters whose ink is that of another which they must differ from."""
    ink = functools.cache(functools.partial(ink_of, file))

    def is_twin(character: str) -> bool:
        capital = character.upper() if cases_differ else character
        others = {capital, unicodedata.normalize("NFD", character)[0]} - {character}
        return any(len(other) == 1 and ink(other) == ink(character) for other in others)

    return is_twin
