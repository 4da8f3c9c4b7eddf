"""bfloat16 only where it is faster."""

import logging

import pytest
import tensorflow as tf

from aocr.model import precision, session
from aocr.util import cpu
from aocr.util.errors import UserError


@pytest.fixture
def machine(monkeypatch):
    """Makes this machine one whose CPU has the given flags, and no GPU."""

    def be(flags, gpus=()):
        monkeypatch.setattr(precision, "cpu_flags", lambda: frozenset(flags.split()))
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: list(gpus))

    return be


@pytest.mark.parametrize("flags", ["avx2 avx512f avx512_bf16", "avx2 avx512f amx_bf16"])
def test_bfloat16_is_taken_where_it_is_fast(machine, flags):
    machine(flags)
    precision.check("bfloat16", force=False)


@pytest.mark.parametrize("flags", ["", "avx2", "avx2 avx512f"])
def test_float32_is_taken_everywhere(machine, flags):
    machine(flags)
    precision.check("float32", force=False)


def test_bfloat16_is_refused_where_it_is_slower_unless_forced(machine, caplog):
    machine("avx2 avx512f")
    with pytest.raises(UserError, match="neither AVX512_BF16 nor AMX, .* --force-precision"):
        precision.check("bfloat16", force=False)
    with caplog.at_level(logging.WARNING):
        precision.check("bfloat16", force=True)
    assert "slower" in caplog.text


def test_bfloat16_is_refused_where_tensorflow_has_none(machine):
    machine("avx2")
    with pytest.raises(UserError, match="lacks AVX-512"):
        precision.check("bfloat16", force=True)


def test_bfloat16_is_refused_on_a_gpu(machine):
    machine("avx512f avx512_bf16", gpus=["GPU:0"])
    with pytest.raises(UserError, match="for CPUs"):
        precision.check("bfloat16", force=False)


@pytest.mark.skipif("avx512f" not in cpu.cpu_flags(), reason="the rewrite needs AVX-512")
def test_the_rewrite_computes_in_bfloat16():
    with tf.Graph().as_default() as graph:
        x = tf.random.stateless_uniform([64, 64], [1, 2])
        product = tf.matmul(x, x)
        with (
            session.open_session(graph, -1) as exact,
            session.open_session(graph, -1, precision.BFLOAT16) as rounded,
        ):
            difference = exact.run(product) - rounded.run(product)
    assert 0 < abs(difference).max() < 1


@pytest.mark.parametrize(("name", "on"), [("float32", False), ("bfloat16", True)])
def test_the_session_is_told(name, on, monkeypatch):
    opened = []
    monkeypatch.setattr(tf.compat.v1, "Session", lambda graph, config: opened.append(config))
    session.open_session(tf.Graph(), -1, name)
    rewriting = opened[0].graph_options.rewrite_options
    assert (rewriting.auto_mixed_precision_onednn_bfloat16 == 1) is on
    assert rewriting.arithmetic_optimization == 2  # OFF


def test_a_machine_without_proc_has_no_flags(monkeypatch):
    monkeypatch.setattr(cpu, "CPU_INFO", "/nonexistent")
    assert cpu.cpu_flags() == frozenset()
