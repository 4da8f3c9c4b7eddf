"""Opens TensorFlow sessions."""

from __future__ import annotations

import tensorflow as tf
from tensorflow.core.protobuf import rewriter_config_pb2

from aocr.util.errors import UserError


def open_session(
    graph: tf.Graph, gpu_id: int, *, bfloat16: bool = False, optimize: bool = True
) -> tf.compat.v1.Session:
    """Opens a session on one GPU, or on the CPU if the machine has no GPU.

    Args:
        graph: the graph that the session runs.
        gpu_id: index of the GPU; negative for the CPU.
        bfloat16: whether to compute in bfloat16 (`session_options`).
        optimize: whether to optimize the graph (`session_options`).

    Raises:
        UserError: the machine has GPUs, but none with this index.
    """
    options = session_options(gpu_id, bfloat16=bfloat16, optimize=optimize)
    return tf.compat.v1.Session(graph=graph, config=options)


def session_options(
    gpu_id: int | None, *, bfloat16: bool = False, optimize: bool = True
) -> tf.compat.v1.ConfigProto:
    """Returns the options of a session.

    Args:
        gpu_id: index of the GPU; negative for the CPU; None for all GPUs.
        bfloat16: let oneDNN compute convolutions and matrix products in bfloat16 on the CPU.
        optimize: run Grappler, TensorFlow's graph optimizer. It makes inference on many images a
            few percent faster, but takes longer than inference on a few images.

    Raises:
        UserError: the machine has GPUs, but none with this index.
    """
    options = tf.compat.v1.ConfigProto(allow_soft_placement=True)
    # Arithmetic optimization merges sums into sums of three or more terms. TensorFlow adds those
    # in an order that varies from run to run, and a seed would not give the same weights twice.
    rewriting = options.graph_options.rewrite_options
    rewriting.arithmetic_optimization = rewriter_config_pb2.RewriterConfig.OFF
    # A second pass gives the same results, bit for bit, at the same speed, and takes a second of
    # the start of a training.
    rewriting.meta_optimizer_iterations = rewriter_config_pb2.RewriterConfig.ONE
    rewriting.disable_meta_optimizer = not optimize
    if bfloat16:
        rewriting.auto_mixed_precision_onednn_bfloat16 = rewriter_config_pb2.RewriterConfig.ON
    options.gpu_options.allow_growth = gpu_id is None
    gpus = tf.config.list_physical_devices("GPU") if (gpu_id or 0) >= 0 else []
    if gpu_id is not None and gpus:
        if gpu_id >= len(gpus):
            raise UserError(f"--gpu-id={gpu_id}: this machine has GPUs 0 to {len(gpus) - 1}")
        options.gpu_options.visible_device_list = str(gpu_id)
        options.gpu_options.allow_growth = True
    elif gpu_id is not None and gpu_id < 0:
        options.device_count["GPU"] = 0
    return options


def open_on_cpu(
    graph: tf.Graph, threads_of_operation: int = 0, *, optimize: bool = True
) -> tf.compat.v1.Session:
    """Opens a session on the CPU, for reading data.

    Args:
        graph: the graph that the session runs.
        threads_of_operation: number of threads of each operation; 0 for those that TensorFlow
            chooses.
        optimize: whether to optimize the graph (`session_options`).
    """
    options = session_options(-1, optimize=optimize)
    options.intra_op_parallelism_threads = threads_of_operation
    return tf.compat.v1.Session(graph=graph, config=options)
