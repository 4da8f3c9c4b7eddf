"""Draws the demo data set: word images, and the annotation files that list them.

Two runs with the same seed, fonts and library versions write the same bytes.
"""

import argparse
import colorsys
import itertools
import pathlib
import string
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

# Debian package and file of every face in use.
FACES = (
    ("fonts-dejavu-core", "DejaVuSans-Bold.ttf"),
    ("fonts-liberation", "LiberationSans-Regular.ttf"),
    ("fonts-liberation", "LiberationSerif-Bold.ttf"),
    ("fonts-liberation", "LiberationMono-Bold.ttf"),
    ("fonts-lato", "Lato-Bold.ttf"),
    ("fonts-roboto-unhinted", "RobotoCondensed-Bold.ttf"),
    ("fonts-crosextra-caladea", "Caladea-Bold.ttf"),
    ("fonts-open-sans", "OpenSans-Semibold.ttf"),
)

# Numbers, English words and random letters in each part of the set.
COUNTS = {"training": (525, 600, 375), "testing": (105, 120, 75)}
LENGTHS = (3, 4, 5)
SHOWCASE = ("hello", "world")  # testing images that bear their word as a name

IMAGE_ROOT = "datasets/images"  # as the annotations spell it: relative to the project's root
GLYPH_SIZE = 128  # pixels an em, before the text is fitted to its image
SUPERSAMPLING = 4  # keeps edges smooth: a perspective transform alone does not average pixels
MAX_ASPECT = 2.5  # width / height: 80 pixels at the recogniser's height of 32
MIN_SQUEEZE = 0.6  # narrowest that a wide text may become; then it is shrunk
LUMA = (0.299, 0.587, 0.114)  # grey level of an RGB colour, as Pillow computes it
MIN_CONTRAST = 130  # grey levels between text and background, before the gradient and the noise


class Style(NamedTuple):
    """How one word looks; the defaults are how the showcase does. Lengths are in pixels."""

    face: str = "Lato-Bold.ttf"
    height: int = 40
    margins: tuple = (5, 5, 8, 5)  # left, top, right, bottom
    tracking: float = 0.1  # space added between letters, in ems
    squeeze: float = 0.8  # width as a share of the face's own
    shear: float = 0.05  # shift to the right per unit of height
    angle: float = -1.5  # degrees, clockwise
    corners: tuple = ((0, 0),) * 4  # [4, 2] shift of each corner, in text heights
    text: tuple = (28, 50, 96)  # RGB in 0..255
    background: tuple = (240, 232, 212)
    gradient: tuple = (-10, -14)  # grey levels the background gains edge to edge, along x and y
    blur: float = 0.3  # radius of the Gaussian
    noise: float = 2.0  # standard deviation in grey levels
    mode: str = "RGB"  # Pillow's name of it, or "L" for grey
    suffix: str = ".jpg"
    quality: int = 85  # of a JPEG


def contrasting_colours(rng):
    """Returns two RGB colours, [3] each in 0..255, at least `MIN_CONTRAST` grey levels apart."""
    while True:
        hsv = rng.uniform((0, 0, 0), (1, 0.7, 1), size=(2, 3))  # saturation: no glaring colours
        text, background = (255 * np.array(colorsys.hsv_to_rgb(*colour)) for colour in hsv)
        if abs(np.dot(text - background, LUMA)) >= MIN_CONTRAST:
            return text, background


def random_style(rng):
    """Returns a `Style` drawn from the distribution that both parts of the set share."""
    text, background = contrasting_colours(rng)
    return Style(
        face=FACES[rng.integers(len(FACES))][1],
        height=int(rng.integers(36, 49)),
        margins=rng.uniform((3, 2, 6, 2), (6, 6, 10, 6)),
        tracking=rng.uniform(0.08, 0.2),
        squeeze=rng.uniform(0.62, 0.8),
        shear=rng.uniform(-0.15, 0.15),
        angle=rng.uniform(-2.5, 2.5),
        corners=rng.uniform(-0.03, 0.03, size=(4, 2)),
        text=text,
        background=background,
        gradient=rng.uniform(-16, 16, size=2),
        blur=rng.uniform(0, 0.7),
        noise=rng.uniform(0, 8),
        mode="L" if rng.random() < 0.4 else "RGB",
        suffix=".png" if rng.random() < 1 / 6 else ".jpg",
        quality=int(rng.integers(70, 86)),
    )


def draw_text(text, font, tracking):
    """Returns the text as a tightly cropped mode "L" image, white on black."""
    mask = Image.new("L", (2 * GLYPH_SIZE * (len(text) + 1), GLYPH_SIZE * 2))
    draw, x = ImageDraw.Draw(mask), float(GLYPH_SIZE)
    for character in text:
        draw.text((x, GLYPH_SIZE // 2), character, fill=255, font=font)
        x += font.getlength(character) + tracking * GLYPH_SIZE
    return mask.crop(mask.getbbox())


def distorted_corners(size, style):
    """Returns where shear, rotation and perspective move the corners of a text.

    They are [4, 2]: x and y, clockwise from the top left, in text heights, the smallest ones 0.
    """
    x, y = np.array([(0, 0), (size[0], 0), size, (0, size[1])]).T / size[1]
    cosine, sine = np.cos(np.radians(style.angle)), np.sin(np.radians(style.angle))
    x = x - style.shear * y
    corners = np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=1) + style.corners
    return corners - corners.min(axis=0)


def fit(corners, style):
    """Returns where the corners, [4, 2], of a text lie in its image, and the width of that.

    Both are in pixels. A text that is still too wide is squeezed further, then shrunk.
    """
    left, top, right, bottom = style.margins
    width, height = corners.max(axis=0)
    max_width = int(MAX_ASPECT * style.height)
    scale_y = (style.height - top - bottom) / height
    scale_x = min(style.squeeze * scale_y, (max_width - left - right) / width)
    scale_y = min(scale_y, scale_x / MIN_SQUEEZE)
    spare = style.height - top - bottom - scale_y * height
    image_width = min(int(np.ceil(scale_x * width + left + right)), max_width)
    return corners * (scale_x, scale_y) + (left, top + spare / 2), image_width


def perspective_coefficients(source, target):
    """Returns Pillow's 8 `PERSPECTIVE` coefficients, which map `target` [4, 2] to `source` [4, 2].

    With (x, y) in the target and (u, v) in the source: u = (a x + b y + c) / (g x + h y + 1) and
    v = (d x + e y + f) / (g x + h y + 1), solved for a..h.
    """
    rows = []
    for (u, v), (x, y) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    return np.linalg.solve(np.array(rows), np.array(source, dtype=float).ravel()).tolist()


def place_text(mask, style):
    """Returns a tight text image distorted and fitted: [height, width] coverage in 0..1."""
    corners, image_width = fit(distorted_corners(mask.size, style), style)
    width, height = mask.size
    source = [(0, 0), (width, 0), (width, height), (0, height)]
    coefficients = perspective_coefficients(source, SUPERSAMPLING * corners)
    size = (SUPERSAMPLING * image_width, SUPERSAMPLING * style.height)
    perspective, bilinear = Image.Transform.PERSPECTIVE, Image.Resampling.BILINEAR
    placed = mask.transform(size, perspective, coefficients, bilinear)
    return np.asarray(placed.reduce(SUPERSAMPLING)) / 255


def to_bytes(pixels):
    """Returns pixels rounded and clipped to uint8."""
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def render(word, font, style, rng):
    """Returns the picture of a word in capitals, in the style's mode."""
    mask = draw_text(word.upper(), font, style.tracking)
    coverage = place_text(mask, style)[:, :, None]  # [H, W, 1]
    height, width, _ = coverage.shape
    x, y = np.linspace(-0.5, 0.5, width)[:, None], np.linspace(-0.5, 0.5, height)[:, None, None]
    ramp = style.gradient[0] * x + style.gradient[1] * y  # [W, 1] + [H, 1, 1] --> [H, W, 1]
    pixels = coverage * style.text + (1 - coverage) * (style.background + ramp)
    blurred = Image.fromarray(to_bytes(pixels)).filter(ImageFilter.GaussianBlur(style.blur))
    noise = rng.normal(0, style.noise, size=(height, width, 1))
    return Image.fromarray(to_bytes(blurred + noise)).convert(style.mode)


def random_strings(rng, alphabet, count, taken):
    """Returns `count` distinct strings of uniformly drawn characters, none of them in `taken`."""
    strings: dict[str, None] = {}  # a dict keeps its order, a set does not
    while len(strings) < count:
        text = "".join(rng.choice(list(alphabet), size=rng.choice(LENGTHS)))
        if text not in taken:
            strings[text] = None
    return list(strings)


def split_words(rng, words):
    """Returns the words of each part, {part: list}; no word is in two parts or twice in one."""
    totals = np.sum(list(COUNTS.values()), axis=0)
    english = [word for word in rng.permutation(words).tolist() if word not in SHOWCASE]
    numbers = random_strings(rng, string.digits, totals[0], ())
    letters = random_strings(rng, string.ascii_uppercase, totals[2], {w.upper() for w in words})
    # Each part takes the next ones of every kind, so the showcase falls to the last: testing.
    kinds = [iter(kind) for kind in (numbers, [*english, *SHOWCASE], letters)]
    parts = {}
    for part, counts in COUNTS.items():
        chosen = [itertools.islice(*pair) for pair in zip(kinds, counts, strict=True)]
        parts[part] = rng.permutation(list(itertools.chain(*chosen))).tolist()
    return parts


def load_words(path):
    """Returns the English words of a list, one a line, without comments, as `synth --words`."""
    lines = path.read_text(encoding="utf-8").split("\n")
    words = [line for line in lines if line and line != "#" and not line.startswith("# ")]
    expected = sum(counts[1] for counts in COUNTS.values())
    if len(words) != expected:
        raise SystemExit(f"error: {path} holds {len(words)} words, and {expected} are needed")
    return words


def load_fonts(directory):
    """Returns {file name: font}, or ends the program if a font is not installed."""
    fonts = {}
    for package, name in FACES:
        found = sorted(directory.rglob(name))
        if not found:
            raise SystemExit(f"error: no {name} in {directory}: apt-get install {package}")
        # Pillow's own layout, so that an optional library (Raqm) cannot move a glyph.
        fonts[name] = ImageFont.truetype(found[0], GLYPH_SIZE, ImageFont.Layout.BASIC)
    return fonts


def write_part(part, words, fonts, output, seed):
    """Writes the images of one part, and its annotation file."""
    lines = []
    for number, word in enumerate(words, start=1):
        # A generator of its own keeps an image the same when another one changes.
        rng = np.random.default_rng([seed, list(COUNTS).index(part), number])
        style = Style() if word in SHOWCASE else random_style(rng)
        stem = word if word in SHOWCASE else f"{part.removesuffix('ing')}-{number:04}"
        image = render(word, fonts[style.face], style, rng)
        image.save(output / "images" / (stem + style.suffix), quality=style.quality, optimize=True)
        lines.append(f"{IMAGE_ROOT}/{stem}{style.suffix} {word}\n")
    path = output / f"annotations-{part}.txt"
    path.write_text("".join(lines), encoding="utf-8", newline="\n")


def main():
    """Reads the command line and writes the data set."""
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fonts", type=pathlib.Path, default="/usr/share/fonts", metavar="DIR")
    parser.add_argument("--output", type=pathlib.Path, default=here, metavar="DIR")
    parser.add_argument("--seed", type=int, default=6)
    args = parser.parse_args()

    fonts = load_fonts(args.fonts)
    parts = split_words(np.random.default_rng(args.seed), load_words(here / "words.txt"))
    (args.output / "images").mkdir(parents=True, exist_ok=True)
    for old in (args.output / "images").glob("t*-[0-9]*.???"):
        old.unlink()  # another seed changes suffixes, and would leave files that nothing lists
    for part, words in parts.items():
        write_part(part, words, fonts, args.output, args.seed)


if __name__ == "__main__":
    main()
