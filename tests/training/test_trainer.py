"""Training as a process: steps, resume, signals, what is refused."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest
import tensorflow as tf
from commands import MODEL, draw, environment, run_aocr

from aocr.data import records

STEP = re.compile(r"Step (\d+): (\d+\.\d{3})s, loss: (\d+\.\d{6}), perplexity: (\d+\.\d{6})\.$")
GLOBAL_STEP = re.compile(
    r"Global step (\d+)\. Time: \d+\.\d{3}, loss: \d+\.\d{6}, perplexity: \d+\.\d{2}\.$"
)


def steps(log):
    """The step numbers of the log's step lines."""
    return [int(m[1]) for m in map(STEP.search, log.splitlines()) if m]


def global_steps(log):
    return [int(m[1]) for m in map(GLOBAL_STEP.search, log.splitlines()) if m]


def write(path, pairs):
    """A TFRecord file of `(image, label)`."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for image, label in pairs:
            writer.write(records.serialize(image, label))


def train(folder, *arguments, check=0):
    return run_aocr(
        "train", "d.tfrecords", *MODEL, "--batch-size=4", *arguments, cwd=folder, check=check
    ).stderr


@pytest.fixture
def copied(trained, tmp_path):
    """The trained model's folder, to train on in."""
    shutil.copytree(trained.folder / "checkpoints", tmp_path / "checkpoints")
    shutil.copy(trained.folder / "words.tfrecords", tmp_path / "d.tfrecords")
    return tmp_path


def test_partial_batches_are_trained_and_lines_are_as_scraped(trained):
    assert steps(trained.train_log) == list(range(1, 181))  # 12 records: 8 and 4, 90 times
    assert global_steps(trained.train_log) == [50, 100, 150, 180]
    assert "Created model with fresh parameters." in trained.train_log
    for step in (50, 100, 150, 180):
        assert f"Saving the model at step {step}." in trained.train_log
    for line in trained.train_log.splitlines():
        assert ("Step" in line) == bool(STEP.search(line))
        if "Step " in line:  # as the scrapers do it
            number, loss, perplexity = line.split(",")[1:]
            assert int(number.split("Step ")[1].split(":")[0])
            assert float(loss.split("loss: ")[1]) >= 0
            assert float(perplexity.split("perplexity: ")[1].rstrip(".")) >= 1


def test_loss_falls(trained):
    losses = [float(m[3]) for m in map(STEP.search, trained.train_log.splitlines()) if m]
    assert sum(losses[-10:]) < 0.3 * sum(losses[:10])


def test_checkpoints_have_the_names_that_programs_read(trained):
    state = (trained.folder / "checkpoints/checkpoint").read_text()
    assert state.splitlines()[0] == 'model_checkpoint_path: "model.ckpt-180"'
    assert (trained.folder / "checkpoints/model.ckpt-180.index").exists()


def test_resume_goes_on_with_steps_weights_and_summaries(copied):
    log = train(copied, "--num-epoch=1")
    assert "Reading model parameters from ./checkpoints/model.ckpt-180" in log
    assert steps(log) == [1, 2, 3]
    assert global_steps(log) == [183]
    assert float(re.search(r"Step 1: .*loss: ([\d.]+),", log)[1]) < 1
    newest = max((copied / "checkpoints").glob("events*"), key=os.path.getmtime)
    events = [
        event.step
        for record in tf.compat.v1.io.tf_record_iterator(str(newest))
        for event in [tf.compat.v1.Event.FromString(record)]
        if event.HasField("summary")
    ]
    assert events == [181, 182, 183]
    state = (copied / "checkpoints/checkpoint").read_text()
    assert "model.ckpt-50" in state  # a resumed run remembers what to rotate away


def test_no_resume_starts_anew(copied):
    log = train(copied, "--num-epoch=1", "--no-resume")
    assert "Created model with fresh parameters." in log
    assert global_steps(log) == [3]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_even_three_in_a_row_save_and_exit_cleanly(copied, number):
    process = subprocess.Popen(
        [sys.executable, "-m", "aocr", "train", "d.tfrecords", *MODEL],
        cwd=copied,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    lines = []
    for line in process.stderr:
        lines.append(line)
        if len(steps(line)):
            break
    for _ in range(3):
        process.send_signal(number)
    lines += process.stderr.readlines()
    assert process.wait(timeout=60) == 0
    last = global_steps("".join(lines))[-1]
    assert f"Saving the model at step {last}." in "".join(lines)
    assert f"model.ckpt-{last}" in (copied / "checkpoints/checkpoint").read_text()
    assert "goes on from there" in lines[-1]


def test_what_cannot_be_trained_is_counted_and_named_first(tmp_path):
    good, wide = draw("AB"), draw("AB", size=(200, 32))
    pairs = [(good, "AB"), (good, "TOOLONG"), (good, "a!"), (b"no image", "AB"), (wide, "CAB")]
    write(tmp_path / "d.tfrecords", pairs + [(good, "ABCD")] * 12)
    log = train(tmp_path, "--num-epoch=1")
    before, _, after = log.partition("Step 1:")
    assert "13 labels are longer than --max-prediction=3: left out." in before
    assert "record 2: 'TOOLONG' has 7 characters" in before
    assert "and 3 more." in before
    assert "1 label holds characters outside the model's charset: left out." in before
    assert "record 3: 'a!' in 'a!'" in before
    assert "1 image cannot be decoded: left out." in before
    assert "record 4" in before
    assert "1 image is wider than --max-width=48: shrunk to fit." in before
    assert "record 5: 200 pixels wide" in before
    assert "Training on 2 of 17 records." in before
    assert "Epoch 1 of 1: trained on 2 records, 15 left out." in after
    assert "Step 2" not in after


@pytest.mark.parametrize("pairs", [[], [(b"x", "AB")]])
def test_nothing_to_train_on_is_an_error_before_the_first_step(tmp_path, pairs):
    write(tmp_path / "d.tfrecords", pairs)
    log = train(tmp_path, check=1)
    assert "Step" not in log
    assert "Traceback" not in log
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize("content", [None, b"these are no records at all"])
def test_a_file_that_is_no_dataset_is_told(tmp_path, content):
    if content is not None:
        (tmp_path / "d.tfrecords").write_bytes(content)
    log = train(tmp_path, check=1)
    assert "d.tfrecords" in log
    assert "Traceback" not in log
    assert log.count("\n") == 1


def test_wide_images_are_dropped_if_asked_for(tmp_path):
    write(tmp_path / "d.tfrecords", [(draw("AB"), "AB"), (draw("AB", size=(200, 32)), "CAB")])
    log = train(tmp_path, "--num-epoch=2", "--drop-wide")
    assert "1 image is wider than --max-width=48: left out." in log
    assert "Epoch 2 of 2: trained on 1 records, 1 left out." in log


def test_the_model_knows_its_flags(copied):
    arguments = ["train", "d.tfrecords", "--num-epoch=1", "--batch-size=4"]
    log = run_aocr(*arguments, cwd=copied, check=0).stderr
    assert global_steps(log) == [183]
    facts = json.loads((copied / "checkpoints/config.json").read_text(encoding="utf-8"))
    assert (facts["max_width"], facts["max_prediction"], facts["attn_num_hidden"]) == (48, 3, 32)
    done = run_aocr(*arguments, "--max-width=50", cwd=copied, check=1)
    assert "--max-width is 50, but the model in ./checkpoints was trained with 48" in done.stderr


def test_training_on_a_directory_of_0_7_6_writes_its_config(copied):
    (copied / "checkpoints/config.json").unlink()
    log = train(copied, "--num-epoch=1")
    assert "has no config.json: the flags say what the model is" in log
    assert json.loads((copied / "checkpoints/config.json").read_text())["max_width"] == 48


def test_several_files_are_trained_on_together(tmp_path):
    for number in range(3):
        write(tmp_path / f"{number}.tfrecords", [(draw("AB"), "AB")] * 2)
    log = run_aocr(
        "train", "0.tfrecords", "[12].tfrecords", *MODEL, "--num-epoch=1", cwd=tmp_path, check=0
    ).stderr
    assert "Training on 6 of 6 records." in log


def test_a_charset_learnt_from_the_labels_is_read_and_served(tmp_path):
    words = ("字ä", "ä字")
    pictures = {"字ä": draw("AB"), "ä字": draw("CC")}
    write(tmp_path / "d.tfrecords", [(pictures[w], w) for w in words * 4])
    train(tmp_path, "--num-epoch=60", "--charset=auto", "--seed=1")
    facts = json.loads((tmp_path / "checkpoints/config.json").read_text(encoding="utf-8"))
    assert facts["characters"] == "ä字"
    log = run_aocr("test", "d.tfrecords", "--visualize", cwd=tmp_path, check=0).stderr
    assert "Exact match: 100.00%" in log
    assert "(字ä)" in log
    assert (tmp_path / "results/correct/00001-字ä/word.txt").read_text() == "字ä\n字ä\n"
    run_aocr("export", cwd=tmp_path, check=0)
    assert json.loads((tmp_path / "exported/config.json").read_text())["characters"] == "ä字"
    read = tf.saved_model.load(str(tmp_path / "exported")).signatures["serving_default"]
    assert read(tf.constant(pictures["ä字"]))["output"].numpy().decode() == "ä字"


# Validation, limits, what is not finite


@pytest.fixture(scope="module")
def validated(tmp_path_factory):
    """A run of 6 steps with three validations, and its log."""
    folder = tmp_path_factory.mktemp("validated")
    write(folder / "d.tfrecords", [(draw(word), word) for word in ("AB", "BA") * 4])
    flags = ["--validation=d.tfrecords", "--max-steps=6", "--steps-per-checkpoint=2"]
    return folder, train(folder, *flags)


def test_every_checkpoint_is_validated_and_the_best_is_kept(validated):
    folder, log = validated
    assert log.count("Validation: exact match ") == 3
    (best,) = (folder / "checkpoints").glob("best.ckpt-*.index")
    step = re.search(r"best\.ckpt-(\d+)", best.name)[1]
    assert json.loads((folder / "checkpoints/best.json").read_text())["step"] == int(step)
    tested = run_aocr("test", "d.tfrecords", cwd=folder, check=0).stderr
    assert f"Reading model parameters from ./checkpoints/best.ckpt-{step}" in tested
    latest = run_aocr("test", "d.tfrecords", "--checkpoint=latest", cwd=folder, check=0).stderr
    assert "Reading model parameters from ./checkpoints/model.ckpt-6" in latest


def test_validation_is_in_tensorboard_with_pictures_and_texts(validated):
    folder, _ = validated
    (path,) = (folder / "checkpoints").glob("events*")
    values = {}
    for record in tf.compat.v1.io.tf_record_iterator(str(path)):
        event = tf.compat.v1.Event.FromString(record)
        for value in event.summary.value:
            values.setdefault(value.tag, []).append((event.step, value))
    assert [step for step, _ in values["validation/exact_match"]] == [2, 4, 6]
    for tag in ("loss", "learning_rate", "total_gradient_norm", "images_per_second"):
        assert [step for step, _ in values[tag]] == [1, 2, 3, 4, 5, 6]
    _, picture = values["validation/attention_1"][0]
    assert picture.image.encoded_image_string.startswith(b"\x89PNG")
    _, texts = values["validation/texts"][0]
    assert "| AB |" in texts.tensor.string_val[0].decode()


def test_max_steps_counts_all_runs(validated):
    folder, _ = validated
    log = train(folder, "--max-steps=6")
    assert "Nothing to train: --max-steps=6 is reached." in log
    assert not steps(log)


def test_patience_ends_training(tmp_path):
    write(tmp_path / "d.tfrecords", [(draw("AB"), "AB")] * 4)
    write(tmp_path / "v.tfrecords", [(draw("C"), "ZZZ")])
    flags = ["--validation=v.tfrecords", "--steps-per-checkpoint=1", "--patience=2"]
    log = train(tmp_path, *flags, "--initial-learning-rate=1e-9", "--max-steps=50")
    assert "No gain in 2 validations: training ends." in log
    assert len(steps(log)) < 10


def test_updates_that_are_not_finite_are_left_out_named_and_too_many_end_it(tmp_path):
    rows = [records.serialize(draw("AB"), "AB", "images/ab.png")] * 4
    with tf.io.TFRecordWriter(str(tmp_path / "d.tfrecords")) as writer:
        for row in rows:
            writer.write(row)
    flags = ["--optimizer=sgd", "--initial-learning-rate=1e30", "--no-gradient-clipping"]
    log = train(tmp_path, *flags, "--max-steps=30", check=1)
    assert "is left out: the loss or its gradient is not finite. Its images: images/ab.png" in log
    assert "10 updates in a row were not finite: lower --initial-learning-rate" in log
    assert "Traceback" not in log
    assert len(steps(log)) < 30


def test_another_model_lends_its_weights(trained, tmp_path):
    write(tmp_path / "d.tfrecords", [(draw("AB"), "AB")] * 4)
    (tmp_path / "abcz.txt").write_text("ABCZ")
    model_dir = trained.folder / "checkpoints"
    flags = [f"--init-from={model_dir}", "--charset=abcz.txt", "--max-steps=1"]
    log = run_aocr("train", "d.tfrecords", *flags, cwd=tmp_path, check=0).stderr
    assert f"variables of {model_dir}/model.ckpt-180." in log
    assert float(re.search(r"Step 1: .*loss: ([\d.]+),", log)[1]) < 1
    facts = json.loads((tmp_path / "checkpoints/config.json").read_text())
    assert (facts["characters"], facts["max_width"]) == ("ABCZ", 48)


def test_a_checkpoint_of_another_optimizer_is_told(copied):
    log = train(copied, "--optimizer=adam", "--max-steps=200", check=1)
    assert "was the model trained with other flags" in log
    assert "--optimizer" in log


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 100 MB: room for one checkpoint of 66 MB, not for two."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no right to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_the_checkpoint_before_is_whole(tmp_path, small_disk):
    write(tmp_path / "d.tfrecords", [(draw("AB"), "AB")] * 4)
    flags = [f"--model-dir={small_disk}", f"--log-path={small_disk}/aocr.log"]
    log = train(tmp_path, *flags, "--max-steps=4", "--steps-per-checkpoint=2", check=1)
    assert f"cannot write the checkpoint {small_disk}/model.ckpt-4: " in log
    assert "Traceback" not in log
    assert "Logging error" not in log
    step = tf.train.load_checkpoint(str(small_disk)).get_tensor("Variable")
    assert step == 2
