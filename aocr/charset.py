"""Converts between the characters of a label and the symbol ids that a model reads and writes."""

from __future__ import annotations

import collections
import dataclasses
import functools
from collections.abc import Iterable

PAD_ID, GO_ID, EOS_ID = 0, 1, 2
"""The special symbols: padding, the decoder's first input (GO), and the end of the label (EOS)."""

FIRST_CHARACTER_ID = 3
"""The id of the first character; the others follow in the order of the charset."""

DIGITS_AND_CAPITALS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FULL_ASCII = "".join(map(chr, range(32, 127)))


@dataclasses.dataclass(frozen=True)
class Charset:
    """Holds an ordered set of characters (docs/compatibility.md, "Text").

    The order decides the ids, so a checkpoint can only be used with the order it was trained with.

    Raises:
        ValueError: there is no character, or a character occurs more than once.
    """

    characters: str

    def __post_init__(self) -> None:
        """Checks the characters."""
        repeated = [c for c, count in collections.Counter(self.characters).items() if count > 1]
        if repeated or not self.characters:
            problem = f"holds {repeated!r} more than once" if repeated else "is empty"
            raise ValueError(f"the charset {problem}")
        if surrogates := [c for c in self.characters if "\ud800" <= c <= "\udfff"]:
            raise ValueError(f"the charset holds {surrogates[0]!r}, which is not a character")

    @property
    def vocab_size(self) -> int:
        """Number of symbols: the characters and the special symbols."""
        return FIRST_CHARACTER_ID + len(self.characters)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The text of each symbol, by id; it is empty for the special symbols."""
        return ("",) * FIRST_CHARACTER_ID + tuple(self.characters)

    @functools.cached_property
    def _ids(self) -> dict[str, int]:
        return {c: i for i, c in enumerate(self.characters, FIRST_CHARACTER_ID)}

    def encode(self, label: str) -> list[int]:
        """Returns the ids of the label's characters, without GO and EOS.

        Raises:
            ValueError: a character is not in the charset.
        """
        unknown = self.unknown(label)
        if unknown:
            raise ValueError(f"{unknown!r} in label {label!r} is not in the charset")
        return [self._ids[c] for c in label]

    def unknown(self, label: str) -> str:
        """Returns the label's characters that are not in the charset, each once, in their order."""
        return "".join(dict.fromkeys(c for c in label if c not in self._ids))

    def decode(self, ids: Iterable[int]) -> str:
        """Returns the text of the symbols before the first EOS; padding and GO add no text."""
        symbols, text = self.symbols, []
        for symbol_id in ids:
            if symbol_id == EOS_ID:
                break
            text.append(symbols[symbol_id])
        return "".join(text)
