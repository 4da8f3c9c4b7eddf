"""Checks training as a process: steps, resume, signals."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest
import tensorflow as tf
from commands import MODEL, draw, environment, run_aocr
from training_runs import STEP, copy_trained, global_steps, steps, train, write


@pytest.fixture
def copied(trained, tmp_path):
    """Copies the trained model, to train on."""
    return copy_trained(trained, tmp_path)


def test_partial_batches_are_trained_and_lines_are_as_scraped(trained):
    assert steps(trained.train_log) == list(range(1, 121))  # 12 records: 8 and 4, 60 times
    assert global_steps(trained.train_log) == [50, 100, 120]
    assert "Created model with fresh parameters." in trained.train_log
    for step in (50, 100, 120):
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
    assert state.splitlines()[0] == 'model_checkpoint_path: "model.ckpt-120"'
    assert (trained.folder / "checkpoints/model.ckpt-120.index").exists()


def test_resume_goes_on_with_steps_weights_and_summaries(copied):
    log = train(copied, "--num-epoch=1")
    assert "Reading model parameters from ./checkpoints/model.ckpt-120" in log
    assert steps(log) == [1, 2, 3]
    assert global_steps(log) == [123]
    assert float(re.search(r"Step 1: .*loss: ([\d.]+),", log)[1]) < 1
    newest = max((copied / "checkpoints").glob("events*"), key=os.path.getmtime)
    events = [
        event.step
        for record in tf.compat.v1.io.tf_record_iterator(str(newest))
        for event in [tf.compat.v1.Event.FromString(record)]
        if event.HasField("summary")
    ]
    assert events == [121, 122, 123]
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
    assert "Run the same command again to continue." in lines[-1]


def test_the_model_knows_its_flags(copied):
    arguments = ["train", "d.tfrecords", "--num-epoch=1", "--batch-size=4"]
    log = run_aocr(*arguments, cwd=copied, check=0).stderr
    assert global_steps(log) == [123]
    facts = json.loads((copied / "checkpoints/config.json").read_text(encoding="utf-8"))
    assert (facts["max_width"], facts["max_prediction"], facts["attn_num_hidden"]) == (48, 3, 32)
    done = run_aocr(*arguments, "--max-width=50", cwd=copied, check=1)
    assert "--max-width is 50, but the model in ./checkpoints was trained with 48" in done.stderr


def test_training_on_a_directory_of_0_7_6_writes_its_config(copied):
    (copied / "checkpoints/config.json").unlink()
    log = train(copied, "--num-epoch=1")
    assert "has no config.json: the flags say what the model is" in log
    assert json.loads((copied / "checkpoints/config.json").read_text())["max_width"] == 48


def test_another_model_lends_its_weights(trained, tmp_path):
    write(tmp_path / "d.tfrecords", [(draw("AB"), "AB")] * 4)
    (tmp_path / "abcz.txt").write_text("ABCZ")
    model_dir = trained.folder / "checkpoints"
    flags = [f"--init-from={model_dir}", "--charset=abcz.txt", "--max-steps=1"]
    log = run_aocr("train", "d.tfrecords", *flags, cwd=tmp_path, check=0).stderr
    assert f"variables from {model_dir}/model.ckpt-120." in log
    assert float(re.search(r"Step 1: .*loss: ([\d.]+),", log)[1]) < 1
    facts = json.loads((tmp_path / "checkpoints/config.json").read_text())
    assert (facts["characters"], facts["max_width"]) == ("ABCZ", 48)


def test_a_checkpoint_of_another_optimizer_is_told(copied):
    log = train(copied, "--optimizer=adam", "--max-steps=140", check=1)
    assert "was the model trained with other flags" in log
    assert "--optimizer" in log
