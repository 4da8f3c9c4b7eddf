"""Checks that the documents agree with the program: commands, flags, links, module names."""

import argparse
import pathlib
import re
import shlex

import pytest
from documents import (
    COMMANDS_PAGE,
    FLAG,
    HEADING,
    LINK,
    MANUAL,
    ROOT,
    anchors_of,
    aocr_arguments,
    commands_in,
    documented_flags,
    flags_of,
    name_of,
    parsers,
    prose_of,
    sections_of,
    split_commands,
    text_of,
)

from aocr.cli.command import build_parser
from aocr.config import Config
from aocr.training.options import TrainingOptions

DOCUMENTS = [
    *MANUAL,
    *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "datasets/README.md")),
]
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


def expected_defaults(action: argparse.Action) -> set[str]:
    """Returns the default of a flag, or of the field behind it, as it may be written."""
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


def test_the_map_of_contributing_names_every_room():
    rooms = {f"{path.parent.as_posix()}/" for path in map(pathlib.PurePosixPath, MODULES)}
    named = re.findall(r"`(aocr/[\w/]*/)`", sections_of(ROOT / "CONTRIBUTING.md")["The map"])
    assert sorted(rooms - set(named) - {"aocr/"}) == [], "rooms that the map does not name"
    assert sorted(set(named) - rooms) == [], "named in the map, but there are none such"
    assert sorted(named) == sorted(set(named)), "named twice"


def test_files_that_contributing_names_exist():
    named = re.findall(r"`(aocr/[\w/]+\.py)`", text_of(ROOT / "CONTRIBUTING.md"))
    assert sorted(set(named) - set(MODULES)) == []


def text_of_code(module: str) -> str:
    """Returns a module's text as one line, so that a citation may be broken across lines."""
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
