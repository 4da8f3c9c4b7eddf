"""bfloat16 only where it is faster."""

import functools
import logging

import numpy as np
import pytest
import tensorflow as tf

from aocr.model.backbones.layers import KernelGradient
from aocr.training.update import precision
from aocr.util import machine as cpu
from aocr.util.errors import UserError
from aocr.util.session import open_session


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
    precision.refuse_if_slower("bfloat16", force=False)


@pytest.mark.parametrize("flags", ["", "avx2", "avx2 avx512f"])
def test_float32_is_taken_everywhere(machine, flags):
    machine(flags)
    precision.refuse_if_slower("float32", force=False)


def test_bfloat16_is_refused_where_it_is_slower_unless_forced(machine, caplog):
    machine("avx2 avx512f")
    with pytest.raises(UserError, match="neither AVX512_BF16 nor AMX, .* --force-precision"):
        precision.refuse_if_slower("bfloat16", force=False)
    with caplog.at_level(logging.WARNING):
        precision.refuse_if_slower("bfloat16", force=True)
    assert "slower" in caplog.text


@pytest.mark.parametrize(
    ("capabilities", "is_fast"),
    [([(8, 0)], True), ([(9, 0), (8, 6)], True), ([(8, 0), (7, 5)], False), ([None], False)],
)
def test_newer_gpus_are_fast(capabilities, is_fast, machine, monkeypatch):
    machine("avx2", gpus=capabilities)

    def details(capability):
        return {"compute_capability": capability} if capability else {}

    monkeypatch.setattr(tf.config.experimental, "get_device_details", details)
    if is_fast:
        precision.refuse_if_slower("bfloat16", force=False)
    else:
        with pytest.raises(UserError, match="compute capability"):
            precision.refuse_if_slower("bfloat16", force=False)


@pytest.mark.parametrize(
    ("flags", "gpus", "says_so"),
    [("avx2 avx512f", [], False), ("avx2", [], True), ("avx2 avx512f", ["GPU:0"], True)],
)
def test_the_graph_says_bfloat16_where_nothing_rewrites_it(flags, gpus, says_so, machine):
    machine(flags, gpus)
    expected = tf.bfloat16 if says_so else tf.float32
    assert precision.convolution_type("bfloat16") == expected
    assert precision.convolution_type("float32") == tf.float32


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fma avx2 sse", True), ("avx2 avx512f", False), ("neon", False), ("", False)],
)
def test_the_cpu_decides(flags, expected, machine):
    machine(flags)
    found = precision.fastest_kernel_gradient()
    assert (found is KernelGradient.MATRIX_PRODUCTS) is expected


def test_gpus_use_tensorflows_kernel_gradient(machine):
    machine("avx2", gpus=["GPU:0"])
    assert precision.fastest_kernel_gradient() is KernelGradient.TENSORFLOW


@pytest.mark.skipif("avx512f" not in cpu.cpu_flags(), reason="the rewrite needs AVX-512")
@pytest.mark.parametrize(
    ("operation", "shapes"),
    [
        (tf.matmul, [(64, 64), (64, 64)]),
        (functools.partial(tf.nn.conv2d, strides=1, padding="SAME"), [(2, 8, 8, 4), (3, 3, 4, 4)]),
    ],
    ids=["matmul", "conv2d"],
)
def test_the_rewrite_computes_in_bfloat16(operation, shapes):
    generator = np.random.default_rng(0)
    with tf.Graph().as_default() as graph:
        # Grappler folds constants in float32 and never rewrites the operation that is fetched: so
        # the inputs are fed, and the fetch is an identity.
        inputs = [tf.compat.v1.placeholder(tf.float32, shape) for shape in shapes]
        feed = {each: generator.uniform(size=each.shape) for each in inputs}
        product = tf.identity(operation(*inputs))
        with (
            open_session(graph, -1) as exact,
            open_session(graph, -1, bfloat16=True) as rounded,
        ):
            difference = exact.run(product, feed) - rounded.run(product, feed)
    assert 0 < abs(difference).max() < 1


@pytest.mark.parametrize(("name", "on"), [("float32", False), ("bfloat16", True)])
def test_the_session_is_told(name, on, monkeypatch):
    opened = []
    monkeypatch.setattr(tf.compat.v1, "Session", lambda graph, config: opened.append(config))
    open_session(tf.Graph(), -1, bfloat16=name == precision.BFLOAT16)
    rewriting = opened[0].graph_options.rewrite_options
    assert (rewriting.auto_mixed_precision_onednn_bfloat16 == 1) is on
    assert rewriting.arithmetic_optimization == 2  # OFF


def test_a_machine_without_proc_has_no_flags(monkeypatch):
    monkeypatch.setattr(cpu, "CPU_INFO", "/nonexistent")
    assert cpu.cpu_flags() == frozenset()
