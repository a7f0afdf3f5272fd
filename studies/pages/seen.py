"""The image docs/seen.png: digits in made photographs, the built-in model's input for each, and its answers.

    python -m studies.pages.seen

Two of the photographs are scenes that `studies.scenes` makes of MNIST's training images, the others are drawn here.
"""

import argparse
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from edgeproof.cli import main as edgeproof
from PIL import Image, ImageDraw, ImageFilter

from ..data import MNIST, load_named
from ..scenes import scene

OUT = Path(__file__).resolve().parents[2] / "docs" / "seen.png"
SEED = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the photographs and let `edgeproof predict` draw the image."""
    argparse.ArgumentParser(prog="python -m studies.pages.seen", description=__doc__).parse_args(arguments)
    digits = load_named(MNIST).x_train[:][:, :, :, 0]
    photographs = {
        "photo.jpg": Image.fromarray(scene(digits[0], SEED, 0)),
        "blackboard.jpg": Image.fromarray(scene(digits[7], SEED, 7)),
        "notebook.jpg": notebook(),
        "felt pen.jpg": felt_pen(),
        "drawing.png": drawing(),
        "blank.jpg": paper(400, 300),
    }
    with TemporaryDirectory() as folder, chdir(folder):
        for name, photograph in photographs.items():
            photograph.save(name)
        edgeproof(["predict", *photographs, "--show", str(OUT)])


def notebook() -> Image.Image:
    """Draw a 4 in pencil on ruled paper, in the shadow of a hand."""
    page = paper(420, 420)
    pen = ImageDraw.Draw(page)
    for y in range(30, 420, 46):
        pen.line((0, y, 420, y + 3), fill=(150, 170, 205), width=2)
    pen.line((190, 120, 160, 220, 262, 214), fill=(70, 70, 78), width=7, joint="curve")
    pen.line((234, 150, 226, 300), fill=(70, 70, 78), width=7)
    shadow = Image.linear_gradient("L").resize(page.size).rotate(60)
    return Image.composite(page, Image.eval(page, lambda value: round(value * 0.72)), shadow)


def felt_pen() -> Image.Image:
    """Draw a thick blue 2, off the centre."""
    page = paper(500, 360)
    pen = ImageDraw.Draw(page)
    pen.line(
        ((270, 110), (295, 70), (345, 66), (372, 105), (350, 160), (268, 250), (390, 246)),
        fill=(30, 50, 150),
        width=26,
        joint="curve",
    )
    return page.filter(ImageFilter.GaussianBlur(1.5))


def drawing() -> Image.Image:
    """Draw a 3 in white on a transparent ground, as drawing programs save it."""
    layer = Image.new("RGBA", (240, 240))
    pen = ImageDraw.Draw(layer)
    points = ((80, 60), (140, 55), (150, 90), (105, 115), (155, 140), (150, 185), (80, 190))
    pen.line(points, fill="white", width=12, joint="curve")
    return layer


def paper(width: int, height: int) -> Image.Image:
    """Return grainy paper, lit from one side."""
    grain = np.random.default_rng(SEED).normal(0, 5, (height, width, 1))
    light = np.linspace(238, 196, width)[np.newaxis, :, np.newaxis]
    return Image.fromarray(np.clip(light + grain + (0, -2, -9), 0, 255).astype(np.uint8))


if __name__ == "__main__":
    main()
