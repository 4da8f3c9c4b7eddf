"""The symbols that a model reads and writes."""

from __future__ import annotations

import collections
import dataclasses
import functools
from collections.abc import Iterable

PAD_ID, GO_ID, EOS_ID = 0, 1, 2
"""Padding, the decoder's first input, and the end of a word. Characters follow from id 3."""

FIRST_CHARACTER_ID = 3

DIGITS_AND_CAPITALS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FULL_ASCII = "".join(map(chr, range(32, 127)))


@dataclasses.dataclass(frozen=True)
class Charset:
    """An ordered set of characters, each with an id. The order is part of a checkpoint.

    Raises:
        ValueError: no character, or one more than once.
    """

    characters: str

    def __post_init__(self) -> None:
        """Checks the characters."""
        twice = [c for c, count in collections.Counter(self.characters).items() if count > 1]
        if twice or not self.characters:
            problem = f"holds {twice!r} more than once" if twice else "is empty"
            raise ValueError(f"the charset {problem}")

    @property
    def size(self) -> int:
        """Number of symbols, the three special ones included."""
        return FIRST_CHARACTER_ID + len(self.characters)

    @property
    def symbols(self) -> tuple[str, ...]:
        """What each id prints: nothing for the special ones."""
        return ("",) * FIRST_CHARACTER_ID + tuple(self.characters)

    @functools.cached_property
    def _ids(self) -> dict[str, int]:
        return {c: i for i, c in enumerate(self.characters, FIRST_CHARACTER_ID)}

    def encode(self, label: str) -> list[int]:
        """The ids of the label's characters, without GO or EOS.

        Raises:
            ValueError: a character is not in the charset.
        """
        unknown = self.unknown(label)
        if unknown:
            raise ValueError(f"{unknown!r} in label {label!r} is not in the charset")
        return [self._ids[c] for c in label]

    def unknown(self, label: str) -> str:
        """The characters of the label that the charset lacks, each once, in order."""
        return "".join(dict.fromkeys(c for c in label if c not in self._ids))

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the ids up to the first EOS; padding and GO print nothing."""
        text = []
        for i in ids:
            if i == EOS_ID:
                break
            text.append(self.symbols[i])
        return "".join(text)
