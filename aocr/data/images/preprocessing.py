"""Prepares image files for the model, in the graph (docs/compatibility.md, "Image preparation")."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from aocr.config import CLASSIC_GRAY, FULL_HEIGHT, IMAGE_HEIGHT, LUMA, Config
from aocr.data.images.files import SIGNATURES


class Prepared(NamedTuple):
    """Holds prepared images; a batch has one more axis in front.

    Attributes:
        pixels: float32 `[32, W, C]`.
        width: int32 scalar, the width without padding, in pixels.
    """

    pixels: tf.Tensor
    width: tf.Tensor


class Size(NamedTuple):
    """Holds heights and widths in pixels, int32 tensors of one shape, or one height for all."""

    height: tf.Tensor
    width: tf.Tensor


def prepare(encoded: tf.Tensor, config: Config) -> Prepared:
    """Decodes one image, resizes it to fit, and pads it at the bottom and the right.

    Args:
        encoded: string scalar, a PNG, JPEG, BMP or GIF file (of a GIF the first frame).
        config: the config, for `image_width` (W), `channels` (C), `gray` and `resize`.

    Returns:
        Pixels from 0 to 255 (bicubic resizing may overshoot).
    """
    pixels = decode(encoded, config.channels, config.gray)  # [] --> [h, w, C]
    shape = tf.shape(pixels)
    height, width = prepared_size(Size(shape[0], shape[1]), config)
    resize = _resize_antialiased if config.resize == FULL_HEIGHT else _resize_like_tensorflow_1
    resized = resize(pixels, height, width)  # [h, w, C] --> [h', w', C]
    padding = [[0, IMAGE_HEIGHT - height], [0, config.image_width - width], [0, 0]]
    padded = tf.pad(resized, padding)  # [h', w', C] --> [32, W, C]
    shape = [IMAGE_HEIGHT, config.image_width, config.channels]
    return Prepared(tf.ensure_shape(padded, shape), width)


def prepare_all(encoded: tf.Tensor, config: Config) -> Prepared:
    """Prepares a batch of images.

    Args:
        encoded: string `[N]`, image files.
        config: the config, for `image_width` (W) and `channels` (C).

    Returns:
        Pixels, float32 `[N, 32, W, C]`, and widths, int32 `[N]`.
    """
    shape = [IMAGE_HEIGHT, config.image_width, config.channels]
    signature = Prepared(tf.TensorSpec(shape, tf.float32), tf.TensorSpec([], tf.int32))

    @tf.autograph.experimental.do_not_convert
    def prepare_one(image: tf.Tensor) -> Prepared:
        return prepare(image, config)

    return tf.map_fn(prepare_one, encoded, fn_output_signature=signature)


def crop_to_bucket(images: tf.Tensor, widths: tf.Tensor, config: Config) -> tf.Tensor:
    """Removes padding at the right of a batch, down to the smallest bucket that holds its images.

    Without `bucket_widths` the batch keeps its width.

    Args:
        images: `[N, 32, W, C]`.
        widths: int32 `[N]`, widths of the images without padding, in pixels.
        config: the config, for `widths`, those of the buckets.

    Returns:
        `[N, 32, W', C]`.
    """
    if config.padding_counts:
        return images
    bucket_widths = tf.constant(config.widths)
    bucket = tf.searchsorted(bucket_widths, tf.reduce_max(widths)[tf.newaxis])[0]
    return images[:, :, : bucket_widths[bucket]]


def prepared_size(size: Size, config: Config) -> Size:
    """Returns the sizes of images after resizing them.

    Args:
        size: sizes of the decoded images.
        config: the config, for `image_width` and `resize`.
    """
    resized = _full_height_size if config.resize == FULL_HEIGHT else _fitted_size
    return resized(size, config.image_width)


def _full_height_size(size: Size, max_width: int) -> Size:
    """Returns a height of 32 pixels and the width that keeps the proportions, if it fits."""
    width_at_32 = _ceil(size.width / size.height * IMAGE_HEIGHT)
    return Size(tf.constant(IMAGE_HEIGHT), tf.minimum(width_at_32, max_width))


def _fitted_size(size: Size, max_width: int) -> Size:
    """Returns the size of an image after resizing it to fit into `[32, max_width]`, as in 0.7.6.

    An image of at most 32 pixels in height keeps its size, unless it would be too wide at a height
    of 32 pixels. Then it is resized to the full width, which enlarges some images. The order of the
    divisions is that of 0.7.6: the width at a height of 32 pixels is rounded up before the height
    is derived from it.
    """
    height, width = size
    width_at_32 = _ceil(width / height * IMAGE_HEIGHT)
    too_wide = width_at_32 > max_width
    too_high = height > IMAGE_HEIGHT
    return Size(
        tf.where(too_wide, _ceil(max_width / width_at_32 * IMAGE_HEIGHT), tf.minimum(height, 32)),
        tf.where(too_wide, max_width, tf.where(too_high, width_at_32, width)),
    )


def _ceil(number: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.math.ceil(number), tf.int32)


def _resize_antialiased(pixels: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Resizes bilinearly; when it shrinks an image, each pixel averages all that it covers."""
    return tf.image.resize(pixels, tf.stack([height, width]), antialias=True)


def _resize_like_tensorflow_1(pixels: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Resizes with TensorFlow 1's bicubic: no half-pixel centers, kernel with a = -0.75.

    `tf.image.resize` samples at other positions. Checkpoints of 0.7.6 were trained on these pixels.
    An image of the requested size stays unchanged.
    """
    return tf.compat.v1.image.resize_bicubic(pixels[tf.newaxis], tf.stack([height, width]))[0]


class Shown(NamedTuple):
    """Holds an image on the ground that shows it.

    Attributes:
        pixels: uint8 `[h, w, C]`.
        on_black: bool scalar, whether it is transparent and shown on black instead of white.
    """

    pixels: tf.Tensor
    on_black: tf.Tensor


def decode(encoded: tf.Tensor, channels: int, gray: str = CLASSIC_GRAY) -> tf.Tensor:
    """Decodes one image file to uint8 `[h, w, channels]`, see `decode_shown`."""
    return decode_shown(encoded, channels, gray).pixels


def decode_shown(encoded: tf.Tensor, channels: int, gray: str = CLASSIC_GRAY) -> Shown:
    """Decodes one image file.

    The first bytes of the file choose the decoder. `tf.io.decode_image` gives the same pixels, but
    its operation, DecodeImage, is unknown to TensorFlow 1, which many clients of exports run.

    Transparent pixels of a PNG file are shown on white, or on black if the ink is light (see
    `composite`). 0.7.6 ignored the alpha channel, so that black text on transparent black was lost.

    Args:
        encoded: string scalar, a PNG, JPEG, BMP or GIF file.
        channels: 1 or 3.
        gray: how colors become gray, one of `GRAYS`. By `CLASSIC_GRAY` each format has a gray of
            its own, as in 0.7.6; they differ by at most one level of 255.
    """
    start = tf.strings.substr(encoded, 0, 2)
    pixels, on_black = tf.cond(
        tf.equal(start, SIGNATURES["PNG"]),
        lambda: tuple(_decode_png(encoded, channels, gray)),
        lambda: (_decode_opaque(encoded, channels, gray), tf.constant(False)),
    )
    return Shown(tf.ensure_shape(pixels, [None, None, channels]), on_black)


def _decode_opaque(encoded: tf.Tensor, channels: int, gray: str) -> tf.Tensor:
    """Decodes a BMP, GIF or JPEG file, and refuses any other."""
    is_luma = gray == LUMA
    to_gray = luma if is_luma else tf.image.rgb_to_grayscale

    def decode_jpeg() -> tf.Tensor:
        if is_luma:
            return _to_channels(tf.io.decode_jpeg(encoded), channels, luma)
        return tf.io.decode_jpeg(encoded, channels)

    start = tf.strings.substr(encoded, 0, 2)
    return tf.cond(
        tf.equal(start, SIGNATURES["BMP"]),
        lambda: _to_channels(tf.io.decode_bmp(encoded), channels, to_gray),
        lambda: tf.cond(
            tf.equal(start, SIGNATURES["GIF"]),
            lambda: _to_channels(tf.io.decode_gif(encoded)[0], channels, to_gray),
            decode_jpeg,
        ),
    )


def _decode_png(encoded: tf.Tensor, channels: int, gray: str) -> Shown:
    """Decodes a PNG file.

    The decoder is not asked for gray: it would weight linear light if the file has a chunk of the
    kind gAMA, sRGB or iCCP, so that the same colors had another gray.
    """
    pixels = tf.io.decode_png(encoded)
    if gray == LUMA:
        of_transparent, of_opaque = luma, luma
    else:
        of_transparent = tf.image.rgb_to_grayscale
        of_opaque = functools.partial(_gray_of_libpng, encoded=encoded)

    def show_transparent() -> Shown:
        shown = composite(pixels)
        return shown._replace(pixels=_to_channels(shown.pixels, channels, of_transparent))

    has_alpha = tf.equal(tf.shape(pixels)[2] % 2, 0)  # gray and alpha, or RGB and alpha
    is_transparent = tf.cond(
        has_alpha, lambda: tf.reduce_any(pixels[:, :, -1] < 255), lambda: tf.constant(False)
    )
    return Shown(
        *tf.cond(
            is_transparent,
            lambda: tuple(show_transparent()),
            lambda: (
                _to_channels(_without_alpha(pixels), channels, of_opaque),
                tf.constant(False),
            ),
        )
    )


def _without_alpha(pixels: tf.Tensor) -> tf.Tensor:
    """Drops the alpha of `[h, w, 1 to 4]`: `[h, w, 1 or 3]`."""
    channels = tf.shape(pixels)[2]
    return pixels[:, :, : channels - 1 + channels % 2]


LOW_CONTRAST = 64
"""Number of levels, of 255, below which another ground is tried for a transparent image."""


def composite(pixels: tf.Tensor) -> Shown:
    """Puts a transparent image on white, or on black if light ink were lost on white.

    Args:
        pixels: uint8 `[h, w, C + 1]`, alpha last.
    """
    values = tf.cast(pixels, tf.float32)
    alpha = values[:, :, -1:] / 255
    on_white = tf.cast(tf.round(values[:, :, :-1] * alpha + 255 * (1 - alpha)), tf.uint8)
    on_black = tf.cast(tf.round(values[:, :, :-1] * alpha), tf.uint8)
    contrast = _contrast_of_gray(on_white)
    is_lost = (contrast < LOW_CONTRAST) & (contrast < _contrast_of_gray(on_black))
    return Shown(tf.where(is_lost, on_black, on_white), is_lost)


def _contrast_of_gray(pixels: tf.Tensor) -> tf.Tensor:
    return contrast_of(_to_channels(pixels, 1, luma))


def contrast_of(pixels: tf.Tensor) -> tf.Tensor:
    """Returns the largest difference in any channel of uint8 `[h, w, C]`: int32 from 0 to 255."""
    return contrast_of_bounds(*bounds(pixels))


def bounds(pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the largest and the smallest value of each channel, `[h, w, C]` to two of `[C]`."""
    return tf.reduce_max(pixels, [0, 1]), tf.reduce_min(pixels, [0, 1])


def contrast_of_bounds(largest: tf.Tensor, smallest: tf.Tensor) -> tf.Tensor:
    """Returns the contrast of images, int32, given their bounds, uint8 `[..., C]`."""
    return tf.reduce_max(tf.cast(largest, tf.int32) - tf.cast(smallest, tf.int32), axis=-1)


def _to_channels(
    pixels: tf.Tensor, channels: int, to_gray: Callable[[tf.Tensor], tf.Tensor]
) -> tf.Tensor:
    """Converts uint8 `[h, w, 1, 3 or 4]` to `[h, w, channels]`; drops a fourth channel."""
    shape = tf.shape(pixels)

    def rgb() -> tf.Tensor:
        return tf.broadcast_to(pixels[:, :, :3], [shape[0], shape[1], 3])

    if channels == 3:
        return rgb()
    return tf.cond(tf.equal(shape[2], 1), lambda: pixels, lambda: to_gray(rgb()))


def luma(rgb: tf.Tensor) -> tf.Tensor:
    """Returns 0.299 R + 0.587 G + 0.114 B, rounded, with Pillow's weights: `[h, w, 3]` to 1."""
    return tf.cast(_weighted(rgb, (19595, 38470, 7471), 1 << 16) + 0.5, tf.uint8)


def _gray_of_libpng(rgb: tf.Tensor, encoded: tf.Tensor) -> tf.Tensor:
    """Returns the gray of 0.7.6: that of `decode_png` for a file that states no color space.

    Args:
        rgb: uint8 `[h, w, 3]`, the pixels.
        encoded: the PNG file. If it has 16 bits, they make its gray.
    """
    weights = 9797, 19234, 3737

    def of_16_bits() -> tf.Tensor:
        pixels = _without_alpha(tf.io.decode_png(encoded, dtype=tf.uint16))
        channels = [tf.cast(pixels[:, :, n : n + 1], tf.int32) * weights[n] for n in range(3)]
        return tf.cast((sum(channels) + (1 << 14)) // (1 << 23), tf.uint8)

    has_16_bits = tf.equal(tf.strings.substr(encoded, 24, 1), b"\x10")  # in IHDR, the first chunk
    return tf.cond(
        has_16_bits, of_16_bits, lambda: tf.cast(_weighted(rgb, weights, 1 << 15), tf.uint8)
    )


def _weighted(rgb: tf.Tensor, weights: tuple[int, int, int], divisor: int) -> tf.Tensor:
    """Returns the weighted sum of uint8 `[h, w, 3]`, float32 `[h, w, 1]`, without an error.

    All sums are whole multiples of 1 / divisor, a power of two, and need at most 24 bits. A
    division of integers would take much longer.
    """
    channels = (tf.cast(rgb[:, :, n : n + 1], tf.float32) for n in range(3))
    red, green, blue = (
        each * (weight / divisor) for each, weight in zip(channels, weights, strict=True)
    )
    return red + green + blue


PARALLEL_CALLS = 10
"""Number of images that are decoded at a time, as in `tf.map_fn`."""


class Tolerated(NamedTuple):
    """Holds a batch of prepared images, some of which could not be decoded.

    Attributes:
        prepared: pixels and widths; an image that could not be decoded is black, 1 pixel wide.
        error: string `[N]`: why an image could not be decoded; empty if it was.
    """

    prepared: Prepared
    error: tf.Tensor


def prepare_decodable(encoded: tf.Tensor, config: Config) -> Tolerated:
    """Prepares a batch of images as `preprocessing.prepare_all` does, but without failing.

    Args:
        encoded: string `[N]`, image files, or any other bytes.
        config: the config, for `image_width` (W) and `channels` (C).
    """
    count = tf.shape(encoded)[0]
    decoded = _prepare_those_that_can_be(encoded, config)
    # [M + 1] --> [N]: the element of each image; that behind all of them, if it has none
    others = tf.fill([count], tf.shape(decoded.place)[0] - 1)
    elements = tf.tensor_scatter_nd_update(
        others, decoded.place[:-1, tf.newaxis], tf.range(tf.shape(decoded.place)[0] - 1)
    )
    is_decoded = tf.gather(decoded.place, elements) < count
    return Tolerated(
        Prepared(tf.gather(decoded.pixels, elements), tf.gather(decoded.width, elements)),
        tf.where(is_decoded, "", _reasons(encoded)),
    )


class _Element(NamedTuple):
    """Holds an element of the dataset: a prepared image, and its place in the batch."""

    place: tf.Tensor
    pixels: tf.Tensor
    width: tf.Tensor


def _prepare_those_that_can_be(encoded: tf.Tensor, config: Config) -> _Element:
    """Prepares the M images of N that can be decoded, and behind them a black one of place N.

    An operation of the graph cannot catch what another one raises, but a dataset can leave out the
    elements that raise. `tf.data` would choose newer operations, which TensorFlow 1.15 lacks.

    Returns:
        int32 `[M + 1]`, float32 `[M + 1, 32, W, C]` and int32 `[M + 1]`.
    """
    count = tf.shape(encoded)[0]
    shapes = _Element([], [IMAGE_HEIGHT, config.image_width, config.channels], [])
    types = _Element(tf.int32, tf.float32, tf.int32)
    black = _Element(count, tf.zeros(shapes.pixels), tf.constant(1))
    elements = {"output_types": types, "output_shapes": shapes}
    batches = {"output_types": types, "output_shapes": [[None, *shape] for shape in shapes]}
    ops = tf.raw_ops
    files = ops.TensorSliceDataset(components=[tf.range(count), encoded], output_shapes=[[], []])
    decoded = ops.ParallelMapDataset(
        input_dataset=files,
        other_arguments=[],
        num_parallel_calls=PARALLEL_CALLS,
        f=_function_of_the_graph(config),
        **elements,
    )
    last = ops.TensorDataset(components=black, output_shapes=shapes)
    all_images = ops.ConcatenateDataset(
        input_dataset=ops.IgnoreErrorsDataset(input_dataset=decoded, **elements),
        another_dataset=last,
        **elements,
    )
    batch = ops.BatchDatasetV2(
        input_dataset=all_images,
        batch_size=tf.cast(count + 1, tf.int64),
        drop_remainder=False,
        **batches,
    )
    return _Element(*ops.DatasetToSingleElement(dataset=batch, **batches))


def _function_of_the_graph(config: Config):
    """Returns the function that prepares one image, given its place and the encoded file."""

    @tf.autograph.experimental.do_not_convert
    def prepare_one(place: tf.Tensor, encoded: tf.Tensor) -> _Element:
        return _Element(place, *prepare(encoded, config))

    arguments = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.string)
    function = tf.function(prepare_one).get_concrete_function(*arguments)
    function.add_to_graph()
    return function


def _reasons(encoded: tf.Tensor) -> tf.Tensor:
    """Returns what is wrong with each file, if it cannot be decoded: string `[N]` to `[N]`."""
    start = tf.strings.substr(encoded, 0, 2)
    reasons = tf.fill(tf.shape(encoded), f"not a {_any_of(SIGNATURES)} file")
    for name, first_bytes in SIGNATURES.items():
        reason = f"damaged {name} file, or one of a kind that cannot be decoded"
        reasons = tf.where(tf.equal(start, first_bytes), reason, reasons)
    return tf.where(tf.equal(tf.strings.length(encoded), 0), "empty file", reasons)


def _any_of(names: dict[str, bytes]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}"
