"""Tests the parser: usage errors, help, flags and their defaults."""

import subprocess
import sys

import pytest
from commands import environment, run_aocr

from aocr import __version__
from aocr.cli.command import build_parser, parse
from aocr.cli.commands.dataset import DEFAULT_OUTPUT
from aocr.cli.commands.train import training_options
from aocr.cli.flags.model import given_characters, given_fields
from aocr.config import Config
from aocr.training.options import TrainingOptions

COMMANDS = ("dataset", "inspect", "train", "test", "predict", "export")


def test_wrong_usage_exits_with_2_and_usage(tmp_path):
    for arguments in ([], ["nonsense"], ["train"], ["train", "x", "--batch-size=0"]):
        done = run_aocr(*arguments, cwd=tmp_path, check=2)
        assert done.stderr.startswith("usage: aocr")
    assert not list(tmp_path.iterdir())


def test_augmented_images_need_a_sheet(capsys):
    with pytest.raises(SystemExit, match="2"):
        build_parser().parse_args(["inspect", "x", "--augment=light"])
    assert "--augment requires --sheet" in capsys.readouterr().err
    build_parser().parse_args(["inspect", "x", "--augment=none"])
    build_parser().parse_args(["inspect", "x", "--augment=light", "--sheet=x.png"])


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


JOB_DIR = ("--job-dir=gs://b/job",), ("--job-dir", "gs://b/job")


@pytest.mark.parametrize("job_dir", JOB_DIR, ids=["one word", "two words"])
@pytest.mark.parametrize("command", [["train", "d"], ["test", "d"], ["predict"], ["export", "o"]])
def test_a_job_directory_before_and_after_the_command(command, job_dir):
    """A training service puts it before the program's own arguments or after them."""
    expected = build_parser().parse_args([*command, "--model-dir=gs://b/job"])
    for arguments in ([*job_dir, *command], [*command, *job_dir]):
        assert vars(parse(arguments)) == vars(expected)


def test_a_job_directory_before_the_command_gives_way_to_a_flag_after_it():
    assert parse(["--job-dir=a", "train", "--model-dir=b", "d"]).model_dir == "b"


@pytest.mark.parametrize("arguments", [["--job-dir=a"], ["--job-dir", "a"], ["--job-dir"]])
def test_a_job_directory_alone_is_wrong_usage(arguments, capsys):
    with pytest.raises(SystemExit) as error:
        parse(arguments)
    assert error.value.code == 2
    assert "usage: aocr" in capsys.readouterr().err


def test_training_options_of_0_7_6_are_the_defaults():
    def options(*arguments):
        return training_options(build_parser().parse_args(["train", "d", *arguments]))

    assert options() == TrainingOptions()
    assert options("--initial-learning-rate=0.5").initial_learning_rate == 0.5
    assert options("--no-gradient-clipping").max_gradient_norm is None
    adamw = options("--optimizer=adamw")
    assert (adamw.initial_learning_rate, adamw.weight_decay) == (0.001, 0.01)
    assert options("--optimizer=adamw", "--weight-decay=0").weight_decay == 0


def test_model_flags_make_the_config():
    def given(*arguments):
        args = build_parser().parse_args(["train", "d", *arguments])
        return {**given_fields(args, Config), **given_characters(args.charset, args.full_ascii)}

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

    assert parse("dataset", "a")["log_step"] == 500
    assert DEFAULT_OUTPUT == "./dataset.tfrecords"
    train = {"steps_per_checkpoint": 100, "num_epoch": 1000, "no_resume": False}
    assert parse("train", "d").items() >= train.items()
    assert training_options(build_parser().parse_args(["train", "d"])).batch_size == 65
    assert parse("export").items() >= {"dir": "exported", "format": "savedmodel"}.items()
