"""Reads charsets from files and from the labels of datasets, and lexicons."""

from __future__ import annotations

import itertools
import logging

from aocr.charset import Charset
from aocr.data.records import files as record_files
from aocr.data.records import schema
from aocr.util.errors import UserError
from aocr.util.text.characters import describe_character, is_hidden
from aocr.util.text.encodings import nfc, read_text
from aocr.util.text.plurals import counted

_NAMED = 5


def read_charset(path: str) -> str:
    """Returns the characters in a text file, in NFC as labels are.

    Line breaks do not count, spaces do. What NFC changes, and characters that nobody can see, are
    named in the log.

    Raises:
        UserError: the file cannot be read or decoded, or has no character or one twice.
    """
    name = f"--charset={path}"
    lines = read_text("--charset", path).replace("\r", "\n").split("\n")
    listed = "".join(lines)
    characters = "".join(map(_listed_in_nfc, lines))
    if changed := set(listed) - set(characters):
        shown = ", ".join(map(describe_character, sorted(changed)[:_NAMED]))
        logging.info("%s: converted to NFC, in which labels are: %s.", name, shown)
        characters = "".join(dict.fromkeys(characters))
    try:
        Charset(characters)  # checks the characters
    except ValueError as error:
        raise UserError(f"{name}: {error}") from error
    if hidden := "".join(filter(is_hidden, characters)):
        logging.warning("%s holds %s.", name, _hidden_text(hidden))
    return characters


def _listed_in_nfc(line: str) -> str:
    """Converts a line of a charset to NFC.

    Where it lists code points in their order, a mark is not joined to the letter before it.
    """
    if all(a < b for a, b in itertools.pairwise(line)):
        return "".join(dict.fromkeys("".join(map(nfc, line))))
    return nfc(line)


def _hidden_text(characters: str) -> str:
    count = counted(len(characters), "character", "characters")
    named = ", ".join(map(describe_character, characters[:_NAMED]))
    more = ", ..." if len(characters) > _NAMED else ""
    return f"{count} that nobody can see: {named}{more}"


def characters_of(files: list[str]) -> str:
    """Returns the characters of the labels of TFRecord files, each once, by code point.

    Those that nobody can see are named in the log.

    Raises:
        UserError: no label has a character, or a file is not a whole TFRecord file of aocr.
    """
    characters: dict[str, str] = {}  # and the first record with each
    for record in record_files.read(files):
        for character in set(schema.text_of(record.label)) - characters.keys():
            characters[character] = record.name
    if not characters:
        raise UserError(f"--charset=auto: no label of {', '.join(files)} has a character")
    if hidden := "".join(sorted(filter(is_hidden, characters))):
        logging.warning(
            "--charset=auto takes %s; the first is in %s. 'aocr inspect' names the labels.",
            _hidden_text(hidden),
            characters[hidden[0]],
        )
    return "".join(sorted(characters))


def read_lexicon(path: str) -> list[str]:
    """Returns the lines of a text file that are not empty, in NFC as labels are.

    Spaces count, at the ends of a line too.

    Raises:
        UserError: the file cannot be read or decoded, or has no word.
    """
    text = read_text("--lexicon", path)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    words = [nfc(line) for line in lines if line]
    if not words:
        raise UserError(f"--lexicon={path}: it holds no word; write one word a line")
    return words
