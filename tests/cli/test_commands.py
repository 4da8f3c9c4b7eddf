"""The commands as a user starts them: processes, exit codes, files, what is printed."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from commands import MODEL, WORDS, draw, environment, run_aocr

from aocr import __version__
from aocr.__main__ import _given, _training_options
from aocr.cli.parser import build_parser
from aocr.config import Config, TrainingOptions

COMMANDS = ("dataset", "inspect", "train", "test", "predict", "export")
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} root  (INFO|WARNING|ERROR) +\S.*")


def test_wrong_usage_exits_with_2_and_usage(tmp_path):
    for arguments in ([], ["nonsense"], ["train"], ["train", "x", "--batch-size=0"]):
        done = run_aocr(*arguments, cwd=tmp_path, check=2)
        assert done.stderr.startswith("usage: aocr")
    assert not list(tmp_path.iterdir())


def test_version(tmp_path):
    assert run_aocr("--version", cwd=tmp_path, check=0).stdout.strip() == f"aocr {__version__}"


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_does_not_import_tensorflow(command):
    arguments = ["aocr", *filter(None, [command]), "--help"]
    program = (
        f"import sys; sys.argv = {arguments!r}\n"
        "from aocr.__main__ import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    print(sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment()
    )
    assert "usage: aocr" in done.stdout
    modules = done.stdout.splitlines()[-1]
    assert "'argparse'" in modules
    assert "'tensorflow'" not in modules
    assert "'numpy'" not in modules


DEFAULTS_OF_0_7_6 = {
    "no_distance": False,
    "gpu_id": 0,
    "model_dir": "./checkpoints",
    "output_dir": "./results",
    "max_gradient_norm": 5.0,
    "no_gradient_clipping": False,
    "log_path": "aocr.log",
}


@pytest.mark.parametrize(
    "arguments", [["train", "d"], ["test", "d"], ["predict"], ["export"]], ids=lambda a: a[0]
)
def test_flags_and_defaults_of_0_7_6(arguments):
    args = vars(build_parser().parse_args(arguments))
    assert {name: args[name] for name in DEFAULTS_OF_0_7_6} == DEFAULTS_OF_0_7_6
    moved = vars(build_parser().parse_args([*arguments, "--job-dir=gs://bucket/job"]))
    assert moved["model_dir"] == "gs://bucket/job"


def test_training_options_of_0_7_6_are_the_defaults():
    def options(*arguments):
        return _training_options(build_parser().parse_args(["train", "d", *arguments]))

    assert options() == TrainingOptions()
    assert options("--initial-learning-rate=0.5").initial_learning_rate == 0.5
    assert options("--no-gradient-clipping").max_gradient_norm is None
    adamw = options("--optimizer=adamw")
    assert (adamw.initial_learning_rate, adamw.weight_decay) == (0.001, 0.01)
    assert options("--optimizer=adamw", "--weight-decay=0").weight_decay == 0


def test_model_flags_make_the_config():
    def given(*arguments):
        return _given(build_parser().parse_args(["train", "d", *arguments]))

    assert given() == {}
    numbers = ["--max-width=200", "--max-height=50", "--max-prediction=5", "--attn-num-layers=1"]
    numbers += ["--attn-num-hidden=64", "--target-embedding-size=16"]
    assert Config(**given(*numbers, "--color", "--use-gru", "--full-ascii")) == Config(
        max_width=200,
        max_height=50,
        max_prediction=5,
        characters="".join(map(chr, range(32, 127))),
        channels=3,
        use_gru=True,
        attn_num_layers=1,
        attn_num_hidden=64,
        target_embedding_size=16,
    )


def test_other_defaults_of_0_7_6():
    def parse(*arguments):
        return vars(build_parser().parse_args(arguments))

    assert (
        parse("dataset", "a").items() >= {"output": "./dataset.tfrecords", "log_step": 500}.items()
    )
    train = {"steps_per_checkpoint": 100, "batch_size": 65, "num_epoch": 1000, "no_resume": False}
    assert parse("train", "d").items() >= train.items()
    assert parse("export").items() >= {"dir": "exported", "format": "savedmodel"}.items()


def test_dataset_names_every_reject_and_writes_the_rest(tmp_path):
    (tmp_path / "good one.png").write_bytes(draw("AB"))
    (tmp_path / "good.png").write_bytes(draw("AB"))
    (tmp_path / "cut.png").write_bytes(draw("AB")[:-60])
    lines = ["good.png ab", "cut.png ab", "nolabel.png", "missing.png ab", "good.png "]
    (tmp_path / "a.txt").write_text("\n".join(lines) + "\n")
    done = run_aocr("dataset", "a.txt", "out.tfrecords", cwd=tmp_path, check=0)
    for number, reason in ((2, "not a whole"), (3, "missing filename or label"), (4, "no such")):
        assert re.search(rf"a\.txt, line {number}: {reason}", done.stderr)
    assert "Dataset is ready: 2 pairs.\n" in done.stderr
    assert "2 pairs; 3 lines were rejected." in done.stderr.splitlines()[-1]
    assert {p.name for p in tmp_path.glob("out*")} == {
        "out.tfrecords",
        "out.tfrecords.rejected.tsv",
    }


@pytest.mark.parametrize("content", [None, "", "nolabel.png\n", "missing.png x\n"])
def test_dataset_without_a_pair_fails(tmp_path, content):
    if content is not None:
        (tmp_path / "a.txt").write_text(content)
    done = run_aocr("dataset", "a.txt", "out.tfrecords", cwd=tmp_path, check=1)
    assert "a.txt" in done.stderr.splitlines()[-1]
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    "arguments", [["test", "words.tfrecords"], ["predict", "images/00.png"], ["export"]]
)
def test_without_a_checkpoint_commands_refuse(trained, tmp_path, arguments):
    done = run_aocr(
        *arguments, *MODEL, f"--model-dir={tmp_path}/empty", cwd=trained.folder, check=1
    )
    assert done.stderr.count("\n") == 1
    assert f"no checkpoint in {tmp_path}/empty" in done.stderr
    assert done.stdout == ""
    assert not (trained.folder / "exported").exists()


def test_flags_that_contradict_the_model_are_told(trained):
    for flag, wanted in (("--max-width=99", "--max-width is 99,"), ("--full-ascii", "the charset")):
        done = run_aocr("predict", "images/00.png", flag, cwd=trained.folder, check=1)
        assert done.stderr.count("\n") == 1
        assert wanted in done.stderr
        assert "was trained with" in done.stderr
    assert "Traceback" in (trained.folder / "aocr.log").read_text()


def test_a_model_without_a_config_is_read_by_the_flags(trained, tmp_path):
    shutil.copytree(trained.folder / "checkpoints", tmp_path / "old")
    (tmp_path / "old/config.json").unlink()
    arguments = ["predict", "images/00.png", f"--model-dir={tmp_path}/old"]
    done = run_aocr(*arguments, *MODEL, cwd=trained.folder, check=0)
    assert "has no config.json: the flags say what the model is" in done.stderr
    assert done.stdout.split("\t")[1] == WORDS[0]
    done = run_aocr(*arguments, *MODEL, "--full-ascii", cwd=trained.folder, check=1)
    assert "[39, 10]" in done.stderr
    assert "[98, 10]" in done.stderr
    assert "--full-ascii" in done.stderr


def test_console_shows_log_lines_alone(trained):
    done = run_aocr("test", "words.tfrecords", *MODEL, cwd=trained.folder, check=0)
    lines = (trained.train_log + trained.dataset_log + done.stderr).splitlines()
    assert [line for line in lines if not LOG_LINE.fullmatch(line)] == []
    assert done.stdout == ""


def test_predict_prints_rows_on_stdout_and_results_on_stderr(trained):
    done = run_aocr("predict", *trained.images, *MODEL, cwd=trained.folder, check=0)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == trained.images
    assert [row[1] for row in rows] == list(WORDS * 2)
    assert all(0 < float(row[2]) <= 1 for row in rows)
    results = re.findall(r"Result: OK\. (\d\.\d\d) (\w*)\n", done.stderr)
    assert results == [(f"{float(row[2]):.2f}", row[1]) for row in rows]


def test_predict_goes_on_after_a_bad_image(trained, tmp_path):
    (tmp_path / "cut.png").write_bytes(draw("AB")[:-60])
    names = ["images/00.png", "nosuch.png", f"{tmp_path}/cut.png", "", "images/01.png"]
    stdin = "\n".join(names)
    done = run_aocr("predict", *MODEL, cwd=trained.folder, stdin=stdin, check=1)
    rows = [line.split("\t")[:2] for line in done.stdout.splitlines()]
    assert rows == [["images/00.png", "AB"], ["images/01.png", "BA"]]
    assert "Result: error while opening file nosuch.png.\n" in done.stderr
    assert f"Result: error while opening file {tmp_path}/cut.png.\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_predict_goes_on_after_a_name_that_is_not_unicode(trained):
    done = subprocess.run(
        [sys.executable, "-m", "aocr", "predict", *MODEL],
        cwd=trained.folder,
        input=b"images/\xff\xe9.png\nimages/00.png\n",
        capture_output=True,
        env=environment(),
    )
    assert done.stdout.startswith(b"images/00.png\tAB\t")
    assert b"not UTF-8" in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.returncode == 1


def test_predict_json_prints_an_object_a_line(trained):
    names = ["images/00.png", "nosuch.png", "images/02.png"]
    done = run_aocr("predict", "--json", cwd=trained.folder, stdin="\n".join(names), check=1)
    first, failed, last = map(json.loads, done.stdout.splitlines())
    assert failed == {"path": "nosuch.png", "error": "no such file"}
    for found, name, word in ((first, names[0], "AB"), (last, names[2], "CAB")):
        assert list(found) == ["path", "text", "probability", "characters"]
        assert (found["path"], found["text"]) == (name, word)
        assert [each["character"] for each in found["characters"]] == list(word)
        probabilities = [each["probability"] for each in found["characters"]]
        assert 0 < found["probability"] <= min(probabilities) <= max(probabilities) <= 1
    rows = run_aocr("predict", names[0], names[2], cwd=trained.folder, check=0).stdout
    assert rows == "".join(
        f"{found['path']}\t{found['text']}\t{found['probability']:.6f}\n" for found in (first, last)
    )


def test_predict_json_of_a_name_that_is_not_unicode_is_unicode(trained):
    done = subprocess.run(
        [sys.executable, "-m", "aocr", "predict", "--json"],
        cwd=trained.folder,
        input=b"images/\xff\xe9.png\n",
        capture_output=True,
        env=environment(),
    )
    (line,) = done.stdout.decode("utf-8").splitlines()
    found = json.loads(line)
    assert os.fsencode(found["path"]) == b"images/\xff\xe9.png"
    assert "not UTF-8" in found["error"]


def test_test_json_prints_the_summary_alone_on_stdout(trained):
    done = run_aocr("test", "words.tfrecords", "--json", cwd=trained.folder, check=0)
    summary = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert (summary["images"], summary["exact"], summary["images_with_loss"]) == (12, 12, 12)
    assert summary["exact_match"] == summary["one_minus_ned"] == 1
    assert summary["character_error_rate"] == 0
    assert summary["word_error_rate"] is None
    loss = re.search(r"Mean teacher-forced loss: ([\d.]+), over 12 images", done.stderr)[1]
    assert summary["loss"] == pytest.approx(float(loss), abs=1e-6)
    assert "Exact match: 100.00%\n" in done.stderr


def test_predict_answers_each_line_before_the_next_one_comes(trained):
    process = subprocess.Popen(
        [sys.executable, "-m", "aocr", "predict", *MODEL],
        cwd=trained.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    )
    for name, word in zip(trained.images, WORDS, strict=False):
        process.stdin.write(f"{name}\n")
        process.stdin.flush()
        assert process.stdout.readline().split("\t")[:2] == [name, word]
    process.stdin.close()
    assert process.wait(timeout=60) == 0


def test_a_new_run_appends_to_the_log(tmp_path):
    (tmp_path / "aocr.log").write_text("before\n")
    run_aocr("dataset", "missing.txt", cwd=tmp_path, check=1)
    log = (tmp_path / "aocr.log").read_text().splitlines()
    assert log[0] == "before"
    assert any("no annotation file missing.txt" in line for line in log)


def test_a_log_that_cannot_be_written_is_told(tmp_path):
    done = run_aocr("dataset", "a.txt", "--log-path=no/such/folder.log", cwd=tmp_path, check=1)
    assert "--log-path=no/such/folder.log" in done.stderr
    assert "Traceback" not in done.stderr


def test_sigterm_leaves_no_half_dataset(tmp_path):
    (tmp_path / "a.png").write_bytes(draw("AB"))
    (tmp_path / "annotations.txt").write_text("a.png AB\n" * 1_000_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "aocr", "dataset", "annotations.txt", "d.tfrecords"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert "Processed 500 pairs." in process.stderr.readline()
    process.terminate()
    assert "Interrupted." in process.stderr.read()
    assert process.wait(timeout=60) == 130
    assert sorted(os.listdir(tmp_path)) == ["a.png", "annotations.txt", "aocr.log"]
