"""The arithmetic of training: float32, or products in bfloat16 where that is faster.

oneDNN's rewrite of the graph turns convolutions and matrix products to bfloat16, and leaves sums,
batch norm and the weights in float32, so that checkpoints are the same.
"""

from __future__ import annotations

import logging

import tensorflow as tf

from aocr.util.cpu import cpu_flags
from aocr.util.errors import UserError

FLOAT32, BFLOAT16 = "float32", "bfloat16"

FAST = {"avx512_bf16", "amx_bf16"}
"""A CPU with one of these multiplies bfloat16 faster than float32."""

LEAST = "avx512f"
"""Without it TensorFlow leaves the graph as it is."""


def check(precision: str, force: bool) -> None:
    """Refuses an arithmetic that would be slower here, or that there is not.

    Args:
        precision: `FLOAT32` or `BFLOAT16`.
        force: take it even where it is slower.

    Raises:
        UserError: as said.
    """
    if precision == FLOAT32:
        return
    if tf.config.list_physical_devices("GPU"):
        raise UserError("--precision=bfloat16 is for CPUs: leave it out, or hide the GPU")
    flags = cpu_flags()
    if LEAST not in flags:
        raise UserError(
            "--precision=bfloat16: this CPU lacks AVX-512, without which TensorFlow has no "
            "bfloat16: leave it out"
        )
    if not flags & FAST:
        slower = "this CPU has neither AVX512_BF16 nor AMX, so that bfloat16 is slower than float32"
        if not force:
            raise UserError(f"--precision=bfloat16: {slower}: leave it out, or --force-precision")
        logging.warning("%s, as --force-precision wants it.", slower[0].upper() + slower[1:])
