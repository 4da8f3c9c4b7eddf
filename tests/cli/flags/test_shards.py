"""`--shards` and `--shard-index` of `dataset` and `predict`, and the index from Kubernetes."""

import itertools
import json
import random

import pytest
import tensorflow as tf
from commands import run_aocr
from hostile_runs import check_failure, run_in_process
from tiny_model import png

from aocr.cli.flags.shards import INDEX_VARIABLE, ShardChoice

NAMES = "abcdefghijk"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Makes a working directory with images and their annotations."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    for name in NAMES:
        (tmp_path / "images" / f"{name}.png").write_bytes(png(name))
    lines = [f"images/{name}.png {name}\n" for name in NAMES]
    (tmp_path / "list.txt").write_text("".join(lines))
    return tmp_path


@pytest.fixture
def run(folder, tiny, capfd):
    """Returns a function that runs a command on the tiny model."""

    def run_command(command, *arguments):
        model = [f"--model-dir={tiny.model_dir}"] if command == "predict" else []
        return run_in_process([command, *arguments, *model], folder, capfd)

    return run_command


def labels(path):
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    examples = map(tf.train.Example.FromString, records)
    return [each.features.feature["label"].bytes_list.value[0].decode() for each in examples]


def test_shares_are_disjoint_and_complete():
    draw = random.Random(0)
    for _ in range(50):
        items = [str(number) for number in range(draw.randrange(40))]
        shards = draw.randrange(1, 12)
        shares = [list(ShardChoice(shards, index).share(items)) for index in range(shards)]
        assert sorted(itertools.chain(*shares), key=int) == items
        assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert list(ShardChoice(1, None).share(items)) == items


def paths_of(rows):
    return [row.split("\t")[0] for row in rows.splitlines()]


def test_predict_reads_its_share_of_arguments_and_of_stdin(run, folder, monkeypatch):
    expected = [f"images/{name}.png" for name in NAMES]
    for index, arguments in enumerate([["images"], []]):
        with open(folder / "names.txt", "w+", encoding="utf-8") as stdin:
            stdin.writelines(f"{path}\n" for path in expected)
            stdin.seek(0)
            monkeypatch.setattr("sys.stdin", stdin)
            outcome = run("predict", *arguments, "--shards=2", f"--shard-index={index}")
        assert paths_of(outcome.stdout) == expected[index::2]
        count = len(expected[index::2])
        assert f"Shard 0000{index}-of-00002: {count} images, 0 not read." in outcome.stderr


def test_predict_writes_its_share_to_a_file_of_its_own(run, folder, monkeypatch):
    monkeypatch.setenv(INDEX_VARIABLE, "0")
    (folder / "images" / "d.png").write_bytes(b"no image")
    outcome = run("predict", "images", "--json", "--shards=3", "--output=read.jsonl")
    assert (outcome.code, outcome.stdout) == (1, "")
    assert outcome.new_files == ["read-00000-of-00003.jsonl"]
    rows = [json.loads(row) for row in (folder / outcome.new_files[0]).read_text().splitlines()]
    assert [row["path"] for row in rows] == [f"images/{name}.png" for name in NAMES[::3]]
    assert ["error" in row for row in rows] == [False, True, False, False]
    assert f"variable {INDEX_VARIABLE} chooses --shard-index=0 (--shards=3)." in outcome.stderr
    assert "Shard 00000-of-00003: 4 images, 1 not read." in outcome.stderr


def test_a_share_without_an_image_is_an_empty_file(run, folder):
    outcome = run("predict", "images", "--shards=99", "--shard-index=98", "--output=read.tsv")
    assert (outcome.code, outcome.new_files) == (0, ["read-00098-of-00099.tsv"])
    assert (folder / "read-00098-of-00099.tsv").read_bytes() == b""
    assert "Shard 00098-of-00099: 0 images, 0 not read." in outcome.stderr


def test_an_output_without_shards_has_its_own_name(run, folder):
    outcome = run("predict", "images", "--output=read.tsv")
    assert (outcome.stdout, outcome.new_files) == ("", ["read.tsv"])
    rows = (folder / "read.tsv").read_text()
    assert paths_of(rows) == [f"images/{name}.png" for name in NAMES]
    check_failure(run("predict", "images", "--output=images"), "--output=images is a folder")
    nowhere = run("predict", "images", "--output=nosuch/read.tsv")
    check_failure(nowhere, "cannot write --output=nosuch/read.tsv: .*No such file")
    same = ("predict", "images/a.png", "--output=images/a.png")
    check_failure(run(*same), "--output images/a.png and image images/a.png are the same file")


def test_dataset_takes_its_index_from_the_environment(run, folder, monkeypatch):
    """In a process of its own, as an indexed job starts it; a flag comes first."""
    monkeypatch.setenv(INDEX_VARIABLE, "1")
    build = ("dataset", "list.txt", "words.tfrecords")
    done = run_aocr(*build, "--shards=3", cwd=folder, check=0)
    expected = [name.upper() for name in NAMES[1::3]]
    assert labels(folder / "words-00001-of-00003.tfrecords") == expected
    assert f"variable {INDEX_VARIABLE} chooses --shard-index=1 (--shards=3)." in done.stderr
    outcome = run(*build, "--shards=3", "--shard-index=2")
    assert outcome.new_files == ["words-00002-of-00003.tfrecords"]
    assert INDEX_VARIABLE not in outcome.stderr
    assert run(*build).new_files == ["words.tfrecords"]


@pytest.mark.parametrize("command", [("dataset", "list.txt"), ("predict", "images")])
@pytest.mark.parametrize("value", ["3", "-1", "1.0", "x", "", "٢", "9" * 9999])
def test_a_bad_index_in_the_environment_is_named(run, monkeypatch, command, value):
    monkeypatch.setenv(INDEX_VARIABLE, value)
    says = f"variable {INDEX_VARIABLE}='{value}' is not a number from 0 to 2 .--shards=3.: correct"
    check_failure(run(*command, "--shards=3"), says, code=2)


def test_predict_with_shards_needs_an_index(run):
    outcome = run("predict", "images", "--shards=3")
    check_failure(outcome, f"--shards=3 requires --shard-index, or .* {INDEX_VARIABLE}", code=2)
