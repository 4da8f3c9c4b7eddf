"""`aocr inspect` on shards that `aocr dataset` built: all there or not, and what was rejected."""

import json
import os

import pytest
from hostile_runs import check_failure, run_in_process
from tiny_model import png

LABELS = "ABCDEFGHIJ"
"""Those of lines 1 to 10; lines 5 and 10 name no image, line 7 a broken one."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for label in LABELS:
        if label not in "EJ":
            content = png(label)
            (tmp_path / f"{label}.png").write_bytes(content[:-60] if label == "G" else content)
    (tmp_path / "list.txt").write_text("".join(f"{label}.png {label}\n" for label in LABELS))
    return tmp_path


@pytest.fixture
def run(folder, capfd):
    """Returns a function that runs a command line in the folder."""
    return lambda line: run_in_process(line.split(), folder, capfd)


@pytest.fixture
def build(run):
    """Returns a function that builds shards of `words.tfrecords`, each alone or all together."""

    def built(*indices, shards=3):
        flags = [f" --shard-index={index}" for index in indices] or [""]
        for flag in flags:
            outcome = run(f"dataset list.txt words.tfrecords --shards={shards}{flag}")
            assert outcome.code == 0, outcome.stderr

    return built


def facts_of(run, paths="words-*"):
    return json.loads(run(f"inspect {paths} --json").stdout)


REJECTED = {"no such file": 2, "not a whole PNG image": 1}
WHOLE_LIST = ["words.tfrecords.rejected.tsv"]


@pytest.mark.parametrize("indices", [(), (0, 1, 2)], ids=["one build", "three builds"])
def test_shards_that_are_complete(run, build, indices):
    """The counts do not depend on how the shards were built, nor on how the files are named."""
    build(*indices)
    report = run("inspect words-*")
    assert report.stdout.startswith("7 records, ")
    assert "words.tfrecords: 3 of 3 shards, complete\n" in report.stdout
    assert "words.tfrecords: 3 annotations were rejected when it was built\n" in report.stdout
    assert "        2  no such file\n        1  not a whole PNG image\n" in report.stdout
    assert "Missing" not in report.stderr
    (found,) = facts_of(run, ".")["datasets"]
    assert found["dataset"] == "./words.tfrecords"
    assert (found["shards"], found["missing"]) == (3, [])
    assert found["rejected"] == REJECTED
    single = [f"words-0000{index}-of-00003.tfrecords.rejected.tsv" for index in (0, 1)]
    expected = single if indices else WHOLE_LIST
    assert [os.path.basename(path) for path in found["reports"]] == expected


def test_missing_shards_are_named_and_the_others_are_counted(run, build):
    build(2)
    report = run("inspect words-*")
    assert report.code == 0
    assert report.stdout.startswith("3 records, ")
    names = [f"./words-0000{index}-of-00003.tfrecords" for index in (0, 1)]
    missing = "".join(f"      missing: {name}\n" for name in names)
    assert f"./words.tfrecords: 1 of 3 shards, 2 missing\n{missing}" in report.stdout
    assert "rejected" not in report.stdout
    (found,) = facts_of(run)["datasets"]
    assert (found["missing"], found["rejected"], found["reports"]) == (names, {}, [])


def test_a_shard_that_is_built_again_replaces_its_part_of_the_common_list(run, build, folder):
    build()
    (folder / "G.png").write_bytes(png("G"))  # line 7 is in shard 0, as line 10
    (folder / "words-00000-of-00003.tfrecords").unlink()
    build(0)
    (found,) = facts_of(run)["datasets"]
    assert found["rejected"] == {"no such file": 2}
    assert len(found["reports"]) == 2
    report = run("inspect words-*")
    assert "WARNING" in report.stderr
    assert "words.tfrecords.rejected.tsv is a list of a build of all shards, but" in report.stderr


def test_datasets_of_one_name_and_several_numbers_of_shards_are_named(run, build):
    build()
    build(shards=2)
    report = run("inspect words-*")
    says = "words.tfrecords is there more than once, in 2 and in 3 shards, so its records are read"
    assert says in report.stderr
    assert report.stdout.startswith("14 records, ")
    assert "words.tfrecords: 2 of 2 shards, complete\n" in report.stdout
    assert "words.tfrecords: 3 of 3 shards, complete\n" in report.stdout


def test_one_file_has_no_line_about_shards(run, folder):
    run("dataset list.txt words.tfrecords")
    report = run("inspect words.tfrecords").stdout
    assert "shards" not in report
    assert "words.tfrecords: 3 annotations were rejected when it was built\n" in report
    (found,) = facts_of(run, "words.tfrecords")["datasets"]
    assert (found["shards"], found["missing"], found["rejected"]) == (None, [], REJECTED)
    (folder / "words.tfrecords.rejected.tsv").unlink()
    assert "rejected" not in run("inspect words.tfrecords").stdout


@pytest.mark.parametrize("content", ["notes\n", "line\tpath\tlabel\treason\nx\ta\tb\tc\n", ""])
def test_a_list_that_is_none_is_named(run, build, folder, content):
    build()
    (folder / WHOLE_LIST[0]).write_text(content)
    line = len(content.splitlines()) or 1
    says = f"words.tfrecords.rejected.tsv, line {line}: 'aocr dataset' writes its list of rejected"
    check_failure(run("inspect words-*"), says)
