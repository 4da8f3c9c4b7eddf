"""The documents agree with the program: commands parse, flags are documented, links resolve."""

import argparse
import pathlib
import re
import shlex

import pytest

from aocr.cli.parser import build_parser
from aocr.config import Config, TrainingOptions

ROOT = pathlib.Path(__file__).parents[1]
MANUAL = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS = [
    *MANUAL,
    *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "datasets/README.md")),
]
COMMANDS_PAGE = ROOT / "docs" / "commands.md"
COMPATIBILITY_PAGE = ROOT / "docs" / "compatibility.md"
MODULES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "aocr").rglob("*.py")
    if path.name != "__init__.py"
)

README_LINES = 200
OFF = "off"
NOTHING = (None, "", (), [])
"""Defaults that stand for none."""

FENCE = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
SEPARATORS = {"|", "||", "&&", ";", "&"}


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Each command's parser, by the command's name."""
    (subparsers,) = (
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return dict(subparsers.choices)


def flags_of(command: str) -> dict[str, argparse.Action]:
    """The long flags of a command, each with its action."""
    return {
        flag: action
        for action in parsers()[command]._actions
        for flag in action.option_strings
        if flag.startswith("--")
    }


def text_of(page: pathlib.Path) -> str:
    return page.read_text(encoding="utf-8")


def prose_of(page: pathlib.Path) -> str:
    """The page without its fenced blocks."""
    return FENCE.sub("", text_of(page))


def sections_of(page: pathlib.Path) -> dict[str, str]:
    """The text under each heading of the second level, subsections included, by its title."""
    parts = re.split(r"^## (.+)$", prose_of(page), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def anchors_of(page: pathlib.Path) -> set[str]:
    """The anchors that a hosting site gives to the headings of a page."""
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
    return page.relative_to(ROOT).as_posix()


# Commands


def shell_lines(page: pathlib.Path) -> list[str]:
    """The lines of the fenced blocks, without prompts; continued lines are joined."""
    lines = []
    for block in FENCE.findall(text_of(page)):
        joined = re.sub(r"\\\n\s*", "", block)
        lines += [line.strip().removeprefix("$ ") for line in joined.splitlines()[1:-1]]
    return lines


def split_commands(line: str) -> list[list[str]]:
    """The words of each command of a shell line; pipes and the like separate commands."""
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
    """What a command passes to aocr; None for another program."""
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


@pytest.mark.parametrize("page", MANUAL, ids=name_of)
def test_commands_parse(page):
    for arguments in commands_in(page):
        try:
            build_parser().parse_args(arguments)
        except SystemExit:
            pytest.fail(f"{name_of(page)}: aocr {shlex.join(arguments)}")


def test_readme_shows_every_command():
    shown = {arguments[0] for arguments in commands_in(ROOT / "README.md")}
    assert shown == set(parsers())


def test_commands_are_found_in_all_their_forms():
    for line, arguments in {
        "aocr test a.tfrecords": ["test", "a.tfrecords"],
        "python -m aocr predict": ["predict"],
        "CUDA_VISIBLE_DEVICES=0 .venv/bin/python -m aocr predict": ["predict"],
        "ls *.png | aocr predict --json > out.jsonl": ["predict", "--json"],
        "run --module-name=aocr --job-dir=x -- train a": ["train", "a"],
        "make demo": None,
        "aocr-server --port 1": None,
    }.items():
        found = [a for words in split_commands(line) if (a := aocr_arguments(words)) is not None]
        assert found == ([] if arguments is None else [arguments])


@pytest.mark.parametrize("page", DOCUMENTS, ids=name_of)
def test_flags_of_commands_in_the_text_exist(page):
    for command, rest in re.findall(r"`aocr ([a-z]+)([^`]*)`", prose_of(page)):
        assert command in parsers(), f"`aocr {command}{rest}`"
        assert set(FLAG.findall(rest)) <= set(flags_of(command)), f"`aocr {command}{rest}`"


# Flags


def rows_of(section: str) -> list[tuple[str, str]]:
    """First and second cell of the rows of a section's flag tables."""
    cells = [re.split(r" *(?<!\\)\| *", line)[1:3] for line in section.splitlines() if "|" in line]
    return [(first, second) for first, second in cells if FLAG.search(first)]


def documented_flags(command: str) -> dict[str, str]:
    """The default that `docs/commands.md` states for each flag of a command.

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


def expected_defaults(action: argparse.Action) -> set[str]:
    """How the default of a flag may be written: that of the parser or of the field behind it."""
    values = [action.default]
    for options in (Config(), TrainingOptions()):
        if hasattr(options, action.dest):
            values.append(getattr(options, action.dest))
    return {str(value) for value in values if value not in NOTHING}


@pytest.mark.parametrize("command", parsers())
def test_every_flag_is_documented(command):
    documented, flags = documented_flags(command), flags_of(command)
    assert set(flags) - set(documented) == set(), "not in docs/commands.md"
    assert set(documented) - set(flags) == set(), "in docs/commands.md, but no such flag"


@pytest.mark.parametrize("command", parsers())
def test_documented_defaults_are_those_of_the_parser(command):
    flags, documented = flags_of(command), documented_flags(command)
    for flag, action in flags.items():
        cell, expected = documented[flag], expected_defaults(action)
        stated = re.search(r"`([^`]*)`", cell)
        if action.nargs == 0:
            assert cell == OFF, flag
        elif stated:
            assert stated[1] in expected, f"{flag}: {cell}"
        else:  # `dataset` and `inspect` check a model's limits only if they are given
            has_default = (
                bool(expected) if "--model-dir" in flags else action.default not in NOTHING
            )
            assert not has_default, f"{flag}: {cell} is not {expected}"


def test_flags_named_in_the_documents_exist():
    known = {flag for command in parsers() for flag in flags_of(command)} | {"--version"}
    for page in (ROOT / "README.md", COMMANDS_PAGE, ROOT / "docs" / "training-guide.md"):
        text = re.sub(r"`(tensorboard|python|pytest)\b[^`]*`", "", prose_of(page))
        assert set(FLAG.findall(text)) <= known | {"--cold", "--logdir"}, name_of(page)


# Links, headings, sizes


@pytest.mark.parametrize("page", DOCUMENTS, ids=name_of)
def test_links_resolve(page):
    for target in LINK.findall(prose_of(page)):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{name_of(page)}: no {target}"
        assert file.is_relative_to(ROOT), f"{name_of(page)}: {target} is outside of the repository"
        if anchor:
            assert anchor in anchors_of(file), f"{name_of(page)}: no heading for {target}"


def test_every_page_of_docs_is_linked_from_the_readme():
    targets = {target.partition("#")[0] for target in LINK.findall(prose_of(ROOT / "README.md"))}
    assert {name_of(page) for page in MANUAL[1:]} <= targets


def test_readme_is_short():
    assert len(text_of(ROOT / "README.md").splitlines()) <= README_LINES


def test_make_help_describes_every_target():
    makefile = text_of(ROOT / "Makefile")
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    described = re.findall(r"^([a-z]+):.*## \S", makefile, re.MULTILINE)
    assert sorted(described) == sorted(targets)


# The map of the modules, and citations


def test_the_map_of_contributing_names_every_module():
    named = re.findall(r"`(aocr/[\w/]+\.py)`", sections_of(ROOT / "CONTRIBUTING.md")["The map"])
    assert sorted(set(MODULES) - set(named)) == [], "modules that the map does not name"
    assert sorted(set(named) - set(MODULES)) == [], "named in the map, but there are none such"
    assert sorted(named) == sorted(set(named)), "named twice"


def text_of_code(module: str) -> str:
    """A module's text as one line, so that a citation may be broken across lines."""
    lines = text_of(ROOT / module).splitlines()
    return re.sub(r"\s+", " ", " ".join(re.sub(r"^\s*#", "", line) for line in lines))


def test_cited_sections_exist():
    titles = {title for _, title in HEADING.findall(prose_of(COMPATIBILITY_PAGE))}
    citation = re.compile(r'docs/compatibility\.md((?:,? (?:and )?"[^"]+")*)')
    for module in MODULES:
        for cited in citation.findall(text_of_code(module)):
            missing = set(re.findall(r'"([^"]+)"', cited)) - titles
            assert not missing, f"{module} cites {missing}"


def test_nothing_cites_a_document_outside_of_the_repository():
    outside = re.compile(r"\b(COMPAT|DESIGN)[.]md")
    assert [module for module in MODULES if outside.search(text_of(ROOT / module))] == []
