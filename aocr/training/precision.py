"""The arithmetic of training: float32, or products in bfloat16 where that is faster.

On CPUs with AVX-512 oneDNN's rewrite of the graph turns convolutions and matrix products to
bfloat16. Elsewhere the graph itself says so of its convolutions, see `convolution_type`. Weights,
sums and batch norm stay float32, so that checkpoints are the same.
"""

from __future__ import annotations

import logging

import tensorflow as tf

from aocr.model.conv2d import KernelGradient
from aocr.util.cpu import cpu_flags
from aocr.util.errors import UserError

FLOAT32, BFLOAT16 = "float32", "bfloat16"

FAST_CPU = {"avx512_bf16", "amx_bf16"}
"""A CPU with one of these multiplies bfloat16 faster than float32."""

FAST_GPU = (8, 0)
"""So does a GPU of at least this compute capability."""

REWRITTEN_CPU = "avx512f"
"""Without it oneDNN leaves the graph as it is."""


def convolution_type(precision: str) -> tf.DType:
    """Returns the data type that the graph itself gives to convolutions, before any rewrite.

    Args:
        precision: `FLOAT32` or `BFLOAT16`.

    Returns:
        bfloat16 only where bfloat16 is asked for and oneDNN does not rewrite the graph.
    """
    rewritten = not _gpus() and REWRITTEN_CPU in cpu_flags()
    return tf.bfloat16 if precision == BFLOAT16 and not rewritten else tf.float32


def fastest_kernel_gradient() -> KernelGradient:
    """Returns the way to compute the gradient of convolution kernels that is fastest here."""
    flags = cpu_flags()
    if not _gpus() and "avx2" in flags and "avx512f" not in flags:
        return KernelGradient.MATRIX_PRODUCTS
    return KernelGradient.TENSORFLOW


def check(precision: str, force: bool) -> None:
    """Refuses an arithmetic that would be slower here.

    Args:
        precision: `FLOAT32` or `BFLOAT16`.
        force: take it all the same.

    Raises:
        UserError: as said.
    """
    slower = _slower() if precision == BFLOAT16 else None
    if slower is None:
        return
    told = f"{slower}, so that bfloat16 is slower than float32"
    if not force:
        raise UserError(f"--precision=bfloat16: {told}: leave it out, or --force-precision")
    logging.warning("%s, as --force-precision wants it.", told[0].upper() + told[1:])


def _slower() -> str | None:
    """What this machine lacks to be faster in bfloat16; None if nothing."""
    if _gpus():
        details = map(tf.config.experimental.get_device_details, _gpus())
        if all(each.get("compute_capability", (0, 0)) >= FAST_GPU for each in details):
            return None
        return "a GPU here has a compute capability of less than 8.0, or tells none"
    return None if cpu_flags() & FAST_CPU else "this CPU has neither AVX512_BF16 nor AMX"


def _gpus() -> list[tf.config.PhysicalDevice]:
    return tf.config.list_physical_devices("GPU")
