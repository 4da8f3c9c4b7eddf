"""Names of tensors and variables that checkpoints, exports and their clients rely on.

They are those of aocr 0.7.6 (docs/compatibility.md, "Files" and "Graph names"): to change one is
to lose compatibility. A convolution's scope stands in its row of
`sliding_cnn.LAYERS`.
"""

from __future__ import annotations

GLOBAL_STEP = "Variable"
"""The int32 scalar variable that counts training steps."""

PLANNED_LAST_STEP, PLANNED_MILLISECONDS = "plan/last_step", "plan/milliseconds"
"""The int32 and int64 scalars that keep the plan of `--max-minutes`: its last step, 0 before the
plan is made, and the time that it was made for."""

# Layers and cells

CONVOLUTION_KERNEL = "W"

BATCH_NORM_SCOPE = "BatchNorm"

GAMMA, BETA = "gamma", "beta"

MOVING_MEAN, MOVING_VARIANCE = "moving_mean", "moving_variance"

DENSE_KERNEL, DENSE_BIAS = "kernel", "bias"

LSTM_SCOPE = "basic_lstm_cell"

GRU_SCOPE, GRU_GATES_SCOPE, GRU_CANDIDATE_SCOPE = "gru_cell", "gates", "candidate"

SHARED_CELL_SCOPE = "multi_rnn_cell/cell_0"

# The encoder

ENCODER_SCOPE, FORWARD_SCOPE, BACKWARD_SCOPE = "bidirectional_rnn", "fw", "bw"

# The decoder of 0.7.6 and its attention

DECODER_SCOPE = "embedding_attention_decoder"

DECODER_STEP_SCOPE = "attention_decoder"

EMBEDDING = "embedding"

OUTPUT_PROJECTION_SCOPE = "AttnOutputProjection"

ATTENTION_QUERY_SCOPE = "Attention_0"

ATTENTION_KEY_KERNEL = "AttnW_0"

ATTENTION_SCORER = "AttnV_0"

# Parts of newer models

COMPACT_SCOPE = "compact_cnn"

LOCATION_SCOPE = "location_decoder"

INPUT_PROJECTION_SCOPE, INITIAL_STATE_SCOPE = "input_projection", "initial_state"

ATTENTION_SCOPE, OUTPUT_SCOPE = "attention", "output"

QUERY_SCOPE, KEY_KERNEL, LOCATION_KERNEL, SCORER = (
    "query",
    "key_kernel",
    "location_kernel",
    "scorer",
)

END_MARK = "end_mark"

CTC_SCOPE = "ctc_decoder"

VOCABULARY_AXES = {
    f"{DECODER_SCOPE}/{EMBEDDING}": 0,
    f"{DECODER_SCOPE}/{DECODER_STEP_SCOPE}/{OUTPUT_PROJECTION_SCOPE}/{DENSE_KERNEL}": 1,
    f"{DECODER_SCOPE}/{DECODER_STEP_SCOPE}/{OUTPUT_PROJECTION_SCOPE}/{DENSE_BIAS}": 0,
    f"{LOCATION_SCOPE}/{EMBEDDING}": 0,
    f"{LOCATION_SCOPE}/{OUTPUT_SCOPE}/{DENSE_KERNEL}": 1,
    f"{LOCATION_SCOPE}/{OUTPUT_SCOPE}/{DENSE_BIAS}": 0,
    f"{CTC_SCOPE}/{DENSE_KERNEL}": 1,
    f"{CTC_SCOPE}/{DENSE_BIAS}": 0,
}
"""The variables with one row or column for each symbol, and the axis that counts the symbols."""
