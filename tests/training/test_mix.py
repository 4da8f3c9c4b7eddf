"""Training on a mixture: what the log says, exact resuming, and what is refused."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from commands import WORDS, draw, run_aocr
from training_runs import write

from aocr.cli.command import build_parser
from aocr.config import Config
from aocr.model import config_file
from aocr.training.options import Run, TrainingOptions, WeightedDataset
from aocr.training.start.training_set import load_training_set, records_by_width
from aocr.util.errors import UserError

MODEL = ("--max-width=96", "--max-height=32", "--max-prediction=3", "--attn-num-hidden=16")
CONFIG = Config(max_width=96, max_height=32, max_prediction=3)
COMMAND = (
    *("train", "--mix", "real.tfrecords=3", "synth-*=1", "--recipe=modern", "--charset=auto"),
    *MODEL,
    *("--seed=5", "--batch-size=5", "--keep-checkpoints=9", "--steps-per-checkpoint=4"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """12 real records, one of them broken, and two shards of 5 records with other characters."""
    made = tmp_path_factory.mktemp("mix")
    pairs = [(draw(word), word) for word in WORDS * 2]
    write(made / "real.tfrecords", [*pairs[:-1], (b"no image", "AB")])
    for shard in range(2):
        wide = draw("DE", (96, 32))
        write(made / f"synth-{shard}", [(wide, "DE")] * 4 + [(wide, "DEDE")] * shard)
    return made


def weights(folder, model_dir):
    reader = tf.train.load_checkpoint(str(folder / model_dir))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def test_a_run_that_is_resumed_ends_with_the_same_weights(folder):
    """An epoch has 11 + 4 draws and so 3 steps: step 4 is the first of the second epoch."""
    log = run_aocr(*COMMAND, "--max-steps=8", "--model-dir=whole", cwd=folder, check=0).stderr
    assert "Dataset real.tfrecords:" in log
    assert "1 image cannot be decoded: left out." in log
    assert "Training on 11 of 12 records." in log
    assert "1 label is longer than --max-prediction=3: left out." in log
    assert "Training on 8 of 9 records." in log
    told = "11 from the 11 of real.tfrecords (73.3%), 4 from the 8 of synth-* (26.7%)"
    assert f"An epoch draws 15 records: {told}." in log
    assert "Bucket widths that fit the training images: 48." in log
    assert "15 records make 3 batches an epoch" in log
    assert "Epoch 2 of 3: trained on 15 records, 2 left out." in log
    config = config_file.loads((folder / "whole/config.json").read_text(encoding="utf-8"))
    assert config.characters == "ABCDE"
    (folder / "resumed").mkdir()
    for path in (folder / "whole").glob("model.ckpt-4.*"):
        shutil.copy(path, folder / "resumed")
    shutil.copy(folder / "whole/config.json", folder / "resumed")
    (folder / "resumed/checkpoint").write_text('model_checkpoint_path: "model.ckpt-4"\n')
    log = run_aocr(*COMMAND, "--max-steps=8", "--model-dir=resumed", cwd=folder, check=0).stderr
    assert "Reading model parameters from resumed/model.ckpt-4" in log
    expected, found = weights(folder, "whole"), weights(folder, "resumed")
    assert expected.keys() == found.keys()
    assert any(name.endswith("/EMA") for name in expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(value, found[name], err_msg=name)


def mix(folder, **weights):
    parts = (WeightedDataset(str(folder / name), weight) for name, weight in weights.items())
    return Run([], [], "m", None, True, None, -1, "float32", tuple(parts))


def load(run, options=None):
    return load_training_set(run, CONFIG, options or TrainingOptions(batch_size=4))


def test_bucket_widths_fit_the_draws_and_not_the_files(folder):
    run = mix(folder, **{"real.tfrecords": 3, "synth-*": 1})
    widths = records_by_width(run, CONFIG, drop_wide=False)
    assert widths == {48: pytest.approx(3), 96: pytest.approx(1)}


def test_a_file_of_two_datasets_is_refused(folder):
    run = mix(folder, **{"synth-*": 3, "synth-1": 1})
    with pytest.raises(UserError, match=r"synth-1 belongs to both .*synth-\* and .*: name it once"):
        load(run)
    again = run._replace(mix=(run.mix[1], run.mix[1]._replace(weight=2)))
    with pytest.raises(UserError, match="name it once"):
        load(again)


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([], "{} is empty: no record to train on"),
        ([(b"x", "AB")], "no record of {} can be used for training: see the lines above"),
    ],
)
def test_a_dataset_of_the_mixture_without_a_record_is_an_error(folder, tmp_path, pairs, told):
    write(tmp_path / "bad", pairs)
    run = mix(folder, **{"real.tfrecords": 3})
    bad = WeightedDataset(str(tmp_path / "bad"), 1)
    with pytest.raises(UserError) as error:
        load(run._replace(mix=(*run.mix, bad)))
    assert str(error.value).startswith(told.format(bad.path))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--mix", "a.tfrecords"], "'a.tfrecords' lacks its weight, as in a.tfrecords=1"),
        (["--mix", "=2"], "'=2' lacks its dataset, as in a.tfrecords=2"),
        (["--mix", "a=0"], "0 is not a number from 0 to 1000000, 0 excluded"),
        (["--mix", "a=-1"], "-1 is not a number"),
        (["--mix", "a=nan"], "nan is not a number"),
        (["--mix", "a=inf"], "inf is not a number"),
        (["--mix", "a="], " is not a number"),
        (["--mix"], "expected at least one argument"),
        (["a", "--mix", "b=1"], "a: with --mix, every dataset is given as DATASET=WEIGHT"),
        ([], "the following arguments are required: dataset"),
    ],
)
def test_wrong_usage_is_told(arguments, told, capsys):
    with pytest.raises(SystemExit) as exit_code:
        build_parser().parse_args(["train", *arguments])
    assert exit_code.value.code == 2
    assert told in capsys.readouterr().err


def test_mix_can_be_given_more_than_once_and_names_may_hold_an_equals_sign():
    args = build_parser().parse_args(["train", "--mix", "a=b=3", "--mix", "c=0.5"])
    assert args.mix == [WeightedDataset("a=b", 3), WeightedDataset("c", 0.5)]
