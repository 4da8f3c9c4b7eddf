"""Reads the documents: their commands, flags, headings and links."""

import argparse
import pathlib
import re
import shlex

from aocr.cli.command import build_parser

ROOT = pathlib.Path(__file__).parents[1]
MANUAL = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS_PAGE = ROOT / "docs" / "commands.md"

FENCE = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
SEPARATORS = {"|", "||", "&&", ";", "&"}


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Returns each command's parser by the command's name."""
    (subparsers,) = (
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return dict(subparsers.choices)


def flags_of(command: str) -> dict[str, argparse.Action]:
    """Returns the long flags of a command, each with its action."""
    return {
        flag: action
        for action in parsers()[command]._actions
        for flag in action.option_strings
        if flag.startswith("--")
    }


def text_of(page: pathlib.Path) -> str:
    """Returns the whole page."""
    return page.read_text(encoding="utf-8")


def prose_of(page: pathlib.Path) -> str:
    """Returns the page without its fenced blocks."""
    return FENCE.sub("", text_of(page))


def sections_of(page: pathlib.Path) -> dict[str, str]:
    """Returns the text under each second-level heading, subsections included, by its title."""
    parts = re.split(r"^## (.+)$", prose_of(page), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def anchors_of(page: pathlib.Path) -> set[str]:
    """Returns the anchors that a hosting site gives to the headings of a page."""
    anchors: set[str] = set()
    for _, title in HEADING.findall(prose_of(page)):
        words = re.sub(r"[^\w\- ]", "", title.lower())
        anchor = base = words.replace(" ", "-")
        number = 0
        while anchor in anchors:
            number += 1
            anchor = f"{base}-{number}"
        anchors.add(anchor)
    return anchors


def name_of(page: pathlib.Path) -> str:
    """Returns the path of a page within the repository."""
    return page.relative_to(ROOT).as_posix()


def shell_lines(page: pathlib.Path) -> list[str]:
    """Returns the lines of the fenced blocks without prompts; joins continued lines."""
    lines = []
    for block in FENCE.findall(text_of(page)):
        joined = re.sub(r"\\\n\s*", "", block)
        lines += [line.strip().removeprefix("$ ") for line in joined.splitlines()[1:-1]]
    return lines


def split_commands(line: str) -> list[list[str]]:
    """Splits a shell line into commands, at pipes and the like, and each command into words."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    for word in lexer:
        if word in SEPARATORS:
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def aocr_arguments(words: list[str]) -> list[str] | None:
    """Returns the arguments that a command passes to aocr, None for another program."""
    while words and (re.match(r"[A-Z_]+=", words[0]) or words[0] in ("time", "nohup", "sudo")):
        words = words[1:]
    redirection = next((i for i, word in enumerate(words) if word in (">", ">>", "<")), len(words))
    words = words[:redirection]
    if words[:1] == ["aocr"]:
        return words[1:]
    if words[1:3] == ["-m", "aocr"]:
        return words[3:]
    if "--module-name=aocr" in words:  # a training service starts it with what follows "--"
        return words[words.index("--") + 1 :]
    return None


def commands_in(page: pathlib.Path) -> list[list[str]]:
    """Returns the arguments of every aocr command in the fenced blocks of a page."""
    found = []
    for line in shell_lines(page):
        if "aocr" not in line or line.endswith("..."):  # other programs, output, usage
            continue
        try:
            commands = split_commands(line)
        except ValueError:  # output with a lone quotation mark
            continue
        found += [arguments for words in commands if (arguments := aocr_arguments(words))]
    return found


def rows_of(section: str) -> list[tuple[str, str]]:
    """Returns the first and second cell of each row of a section's flag tables."""
    cells = [re.split(r" *(?<!\\)\| *", line)[1:3] for line in section.splitlines() if "|" in line]
    return [(first, second) for first, second in cells if FLAG.search(first)]


def documented_flags(command: str) -> dict[str, str]:
    """Returns the default that `docs/commands.md` states for each flag of a command.

    A command's section links to the sections of the flags that it shares with others.
    """
    sections = sections_of(COMMANDS_PAGE)
    own = sections[f"aocr {command}"]
    shared = [
        text
        for title, text in sections.items()
        if title.endswith((" flag", " flags")) and f"(#{title.lower().replace(' ', '-')})" in own
    ]
    return {
        flag: default
        for section in [own, *shared]
        for flags, default in rows_of(section)
        for flag in FLAG.findall(flags)
    }
