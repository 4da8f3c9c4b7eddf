"""Finds the fonts on a machine or in a folder, and which of them have which characters."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable

from aocr.synthesis.fonts.character_map import FontFileError, face_count
from aocr.synthesis.fonts.choice import FontFile, FontSet, drawable_characters, font_set
from aocr.synthesis.fonts.letterforms import misdrawn
from aocr.synthesis.options import BUILT_IN
from aocr.util.errors import UserError
from aocr.util.paths.checks import is_remote
from aocr.util.terminal.log import FILE_ONLY
from aocr.util.text.characters import escape
from aocr.util.text.plurals import counted

EXTENSIONS = (".ttf", ".otf", ".ttc", ".otc")

USUAL_FOLDERS = {
    "linux": (
        "/usr/share/fonts",
        "/usr/local/share/fonts",
        "~/.local/share/fonts",
        "~/.fonts",
    ),
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": (r"C:\Windows\Fonts",),
}
"""Folders of fonts by the name of the system, for machines without fontconfig."""

_NAMED = 3
"""Number of fonts that a warning names."""


def find_fonts(folder: str | None) -> list[FontFile]:
    """Returns the fonts to draw with, sorted by path.

    Args:
        folder: the folder to look in, with the folders inside; `BUILT_IN` for Pillow's own font;
            None for the fonts of the machine, or Pillow's own font if there are none.

    Raises:
        UserError: there is no such folder, or no font in it.
    """
    if folder == BUILT_IN:
        return [FontFile(BUILT_IN)]
    if folder is None:
        files = _faces(_installed())
        if not files:
            logging.warning("No font was found on this machine: drawing with Pillow's own.")
        return files or [FontFile(BUILT_IN)]
    if is_remote(folder) or not os.path.isdir(folder):
        raise UserError(f"--fonts={folder}: no such folder; give a local folder of font files")
    files = _faces(_below(folder))
    if not files:
        raise UserError(f"--fonts={folder}: no font in it ({', '.join(EXTENSIONS)})")
    return files


def coverage(files: list[FontFile], characters: str) -> FontSet:
    """Returns the fonts that draw some of the characters; names what is left out.

    Args:
        files: fonts; at least one.
        characters: characters to be drawn.

    Raises:
        UserError: no font has any of them.
    """
    usable, drawable, broken, wrong = [], [], [], {}
    for file in files:
        try:
            drawn = drawable_characters(file, characters)
            wrong[file] = misdrawn(file, drawn)
        except (FontFileError, OSError) as error:
            broken.append(f"{file.path} ({error})")
            continue
        drawn = "".join(sorted({*drawn}.difference(*wrong[file].values())))
        if drawn.strip():
            usable.append(file)
            drawable.append(drawn)
    _warn_about(broken)
    _log_misdrawn(wrong)
    if not usable:
        draws = ", or draws them as what they are" if any(wrong.values()) else ""
        raise UserError(
            f"none of {counted(len(files), 'font')} has any of the characters of the texts{draws}: "
            "install fonts for this script, or name a folder of some with --fonts"
        )
    logging.info("Drawing with %s of %i.", counted(len(usable), "font"), len(files))
    return font_set(usable, drawable)


def _warn_about(broken: list[str]) -> None:
    for name in broken[_NAMED:]:
        logging.info("Not used: %s", name, extra={FILE_ONLY: True})
    if broken:
        named = ", ".join(broken[:_NAMED]) + (", ..." if len(broken) > _NAMED else "")
        logging.warning("%s cannot be used: %s", counted(len(broken), "font file"), escape(named))


def _log_misdrawn(wrong: dict[FontFile, dict[str, str]]) -> None:
    """Logs what fonts do not draw as what it is: counts on the console, all in the log file."""
    rows = [(file, *row) for file, found in wrong.items() for row in sorted(found.items())]
    for file, reason, characters in rows:
        name = f"{file.path}, face {file.face}" if file.face else file.path
        logging.info("Not used: %s: %s: %s", name, reason, characters, extra={FILE_ONLY: True})
    for reason in sorted({reason for _, reason, _ in rows}):
        fonts = [os.path.basename(file.path) for file, each, _ in rows if each == reason]
        named = ", ".join(fonts[:_NAMED]) + (", ..." if len(fonts) > _NAMED else "")
        count = counted(len(fonts), "font")
        logging.info("Not used: %s, in %s: %s", reason, count, escape(named))


def _installed() -> list[str]:
    """Returns the font files of the machine: those of fontconfig, or of the usual folders."""
    program = shutil.which("fc-list")
    if program:
        command = [program, "--format", "%{file}\n"]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode == 0 and done.stdout.strip():
            return os.fsdecode(done.stdout).splitlines()
    folders = USUAL_FOLDERS.get(sys.platform, USUAL_FOLDERS["linux"])
    return [path for folder in folders for path in _below(os.path.expanduser(folder))]


def _below(folder: str) -> list[str]:
    return [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names]


def _faces(paths: Iterable[str]) -> list[FontFile]:
    """Returns the fonts in the font files among some paths; each file once, sorted."""
    chosen = {os.path.realpath(path) for path in paths if path.lower().endswith(EXTENSIONS)}
    return [FontFile(path, index) for path in sorted(chosen) for index in range(_count(path))]


def _count(path: str) -> int:
    try:
        with open(path, "rb") as file:
            return min(face_count(file.read(12)), 64)
    except (OSError, FontFileError):
        return 1  # opening it later says what is wrong
