"""Chooses the arithmetic of training: float32, or bfloat16 where that is faster.

On CPUs with AVX-512, oneDNN rewrites the graph and computes convolutions and matrix products in
bfloat16. On other hardware, the graph itself casts the inputs of its convolutions, see
`convolution_type`. Weights, sums and batch norm stay float32, so that checkpoints do not depend on
the precision.
"""

from __future__ import annotations

import logging

import tensorflow as tf

from aocr.model.backbones.layers import KernelGradient
from aocr.util.errors import UserError
from aocr.util.machine import cpu_flags

FLOAT32, BFLOAT16 = "float32", "bfloat16"

FAST_CPU = {"avx512_bf16", "amx_bf16"}
"""CPU flags: a CPU with one of them multiplies bfloat16 faster than float32."""

FAST_GPU = (8, 0)
"""Lowest compute capability of GPUs that multiply bfloat16 faster than float32."""

REWRITTEN_CPU = "avx512f"
"""CPU flag: without it, oneDNN does not rewrite the graph."""


def convolution_type(precision: str) -> tf.DType:
    """Returns the data type that the graph itself gives to convolutions, before any rewrite.

    Args:
        precision: `FLOAT32` or `BFLOAT16`.

    Returns:
        bfloat16 if the precision is `BFLOAT16` and oneDNN does not rewrite the graph, else float32.
    """
    rewritten = not _gpus() and REWRITTEN_CPU in cpu_flags()
    return tf.bfloat16 if precision == BFLOAT16 and not rewritten else tf.float32


def fastest_kernel_gradient() -> KernelGradient:
    """Returns the way to compute the gradient of convolution kernels that is fastest here."""
    flags = cpu_flags()
    if not _gpus() and "avx2" in flags and "avx512f" not in flags:
        return KernelGradient.MATRIX_PRODUCTS
    return KernelGradient.TENSORFLOW


def refuse_if_slower(precision: str, force: bool) -> None:
    """Checks that a precision is not slower than float32 on this machine.

    Args:
        precision: `FLOAT32` or `BFLOAT16`.
        force: whether to log a warning instead of raising the error.

    Raises:
        UserError: the precision is slower.
    """
    missing = _missing_hardware() if precision == BFLOAT16 else None
    if missing is None:
        return
    reason = f"{missing}, so that bfloat16 is slower than float32"
    if not force:
        raise UserError(
            f"--precision=bfloat16: {reason}: leave the flag out, or add --force-precision"
        )
    logging.warning("--force-precision: %s.", reason)


def _missing_hardware() -> str | None:
    """Returns what this machine lacks for fast bfloat16; None if it lacks nothing."""
    if _gpus():
        details = map(tf.config.experimental.get_device_details, _gpus())
        if all(each.get("compute_capability", (0, 0)) >= FAST_GPU for each in details):
            return None
        return "a GPU of this machine has a compute capability below 8.0, or reports none"
    return None if cpu_flags() & FAST_CPU else "this CPU has neither AVX512_BF16 nor AMX"


def _gpus() -> list[tf.config.PhysicalDevice]:
    return tf.config.list_physical_devices("GPU")
