"""The registry of export formats."""

import itertools
import subprocess
import sys

import pytest
from commands import environment

from aocr.exports import formats
from aocr.model import config_file


def test_the_first_names_are_those_of_0_7_6():
    assert formats.NAMES[:2] == ("savedmodel", "frozengraph")
    assert formats.DEFAULT == "savedmodel"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("savedmodel", "Exported SavedModel into some/folder"),
        ("frozengraph", "Exported as some/folder/frozen_graph.pb"),
    ],
)
def test_summary_is_the_line_of_0_7_6(name, line):
    assert formats.load_format(name).summary("some/folder") == line


def test_no_file_belongs_to_two_formats():
    owned = [formats.load_format(name).file_names for name in formats.NAMES]
    names = [config_file.FILE_NAME, *itertools.chain(*owned)]
    assert len(set(names)) == len(names)


def test_the_graph_files_are_those_of_the_formats():
    assert list(formats.GRAPH_FILES) == list(formats.NAMES)
    for name, file in formats.GRAPH_FILES.items():
        assert file in formats.load_format(name).file_names


def test_names_are_known_without_tensorflow():
    program = (
        "import sys; from aocr.cli.command import build_parser; build_parser(); "
        "assert 'aocr.exports.formats' in sys.modules; assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], env=environment(), check=True)
