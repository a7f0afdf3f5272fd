"""The sheet of `edgeproof predict --show`: each image, the pixels that the model saw, and its best answers."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..runtime.errors import OutputError, SpecMismatchError
from ..runtime.images.draft import jpeg_decoding
from ..runtime.images.reading import ImageLike, is_pillow, read_image
from ..runtime.io.atomic import atomic_files
from ..runtime.io.disk_full import writing
from ..runtime.io.shortage import memory_needed_to
from ..runtime.text import visible

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

    from ..runtime.classifier import Classifier
    from ..runtime.prediction import Prediction

MAX_IMAGES = 200  # a larger sheet is one that few programs open

_SIDE = 150  # of the two images of a card
_GAP = 16
_BARS = 210  # the width of the answers
_CAPTION = 26
_HEADER = 30
_HEADINGS = ("picture", "what the model sees", "its answer")
_CARD = (4 * _GAP + 2 * _SIDE + _BARS, 2 * _GAP + _SIDE + _CAPTION)
_COLUMNS = 2
_LONGEST = 200  # characters of a text, of which fewer will fit
_INK, _SOFT, _FRAME, _BAR, _PAPER = "#1d2433", "#5b6577", "#e6e9ef", "#0b8f6a", "#ffffff"


def check_sheet(file: Path, images: list[ImageLike]) -> None:
    """Refuse a file or a number of images that cannot be drawn, before any work is done.

    Raises:
        OutputError: The file is to have another format than PNG, or is one of the images.
        SpecMismatchError: There are too many images.
    """
    if file.suffix.lower() != ".png":
        raise OutputError(f"--show writes a .png file, got {file}")
    if file.exists() and any(isinstance(image, Path) and image.exists() and image.samefile(file) for image in images):
        raise OutputError(f"--show would overwrite the image {file}")
    if len(images) > MAX_IMAGES:
        raise SpecMismatchError(f"--show draws at most {MAX_IMAGES} images, got {len(images):,}")


def write_sheet(
    file: Path, classifier: "Classifier", names: list[str], images: list[ImageLike], predictions: "list[Prediction]"
) -> None:
    """Draw the sheet and write it as a PNG file, whole or not at all.

    Raises:
        OutputError: It cannot be written.
    """
    from PIL import Image, ImageDraw

    jpeg = jpeg_decoding(classifier.image, classifier.preprocessing)
    rows = -(-len(images) // _COLUMNS)
    width, height = _CARD
    columns = min(_COLUMNS, len(images))
    sheet = Image.new("RGB", (width * columns, _HEADER + height * rows), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for column in range(columns):
        for place, heading in enumerate(_HEADINGS):
            draw.text((column * width + _GAP + place * (_GAP + _SIDE), 10), heading, fill=_SOFT, font=_font(13))
    for position, (name, image, prediction) in enumerate(zip(names, images, predictions, strict=True)):
        x, y = position % _COLUMNS * width, _HEADER + position // _COLUMNS * height
        draw.rectangle((x + 4, y + 4, x + width - 5, y + height - 5), outline=_FRAME)
        original = image if is_pillow(image) else read_image(image, jpeg)  # type: ignore[arg-type]
        sheet.paste(_thumbnail(original), (x + _GAP, y + _GAP))
        seen = classifier.preprocessing.reading.reorder(classifier.pixels(image)[0])
        sheet.paste(_seen(seen), (x + 2 * _GAP + _SIDE, y + _GAP))
        _answers(draw, x + 3 * _GAP + 2 * _SIDE, y + _GAP, classifier, prediction)
        caption = _fitting(draw, visible(name), width - 2 * _GAP)
        draw.text((x + _GAP, y + _GAP + _SIDE + 8), caption, fill=_SOFT, font=_font(13))
    with atomic_files(file.parent) as staging, memory_needed_to(f"write {file}"), writing(staging / file.name):
        sheet.save(staging / file.name, format="PNG")


def _thumbnail(image: "Image") -> "Image":
    """Fit an image of any mode into a square."""
    from PIL import Image, ImageOps

    shown = image.convert("RGBA") if image.has_transparency_data else image
    if shown.mode.startswith("I;16"):
        shown = shown.point(lambda value: value / 257).convert("L")
    elif shown.mode not in ("RGB", "RGBA", "L"):
        shown = shown.convert("RGB")
    fitted = ImageOps.contain(shown, (_SIDE, _SIDE), Image.Resampling.LANCZOS)
    square = Image.new("RGB", (_SIDE, _SIDE), _FRAME)
    corner = ((_SIDE - fitted.width) // 2, (_SIDE - fitted.height) // 2)
    square.paste(fitted, corner, fitted if fitted.mode == "RGBA" else None)
    return square


def _seen(pixels: "NDArray[Any]") -> "Image":
    """Enlarge the pixels that the model sees, so that each can be told apart."""
    import numpy as np
    from PIL import Image, ImageOps

    whole = np.rint(pixels).astype(np.uint8)
    image = Image.fromarray(whole[:, :, 0] if whole.shape[2] == 1 else whole)
    return ImageOps.pad(image.convert("RGB"), (_SIDE, _SIDE), Image.Resampling.NEAREST, color=_FRAME)


def _answers(draw: "ImageDraw", x: int, y: int, classifier: "Classifier", prediction: "Prediction") -> None:
    draw.text((x, y), _fitting(draw, prediction.label, _BARS, size=22), fill=_INK, font=_font(22))
    for place, (label, probability) in enumerate(classifier.ranked(prediction)[:3]):
        top = y + 42 + place * 36
        text = f"{probability * 100:.1f} %"
        draw.text((x, top), _fitting(draw, label, _BARS - 70), fill=_INK, font=_font(13))
        draw.text((x + _BARS, top), text, fill=_SOFT, font=_font(13), anchor="ra")
        draw.rectangle((x, top + 18, x + _BARS - 1, top + 23), fill=_FRAME)
        if round((_BARS - 1) * probability) > 0:
            draw.rectangle((x, top + 18, x + round((_BARS - 1) * probability), top + 23), fill=_BAR)


def _fitting(draw: "ImageDraw", text: str, width: int, *, size: int = 13) -> str:
    """Cut text that is too long at its start: paths differ at their end."""
    shown = text = text[-_LONGEST:]
    while shown and draw.textlength(shown if shown == text else f"…{shown}", font=_font(size)) > width:
        shown = shown[1:]
    return shown if shown == text else f"…{shown}"


def _font(size: int) -> "FreeTypeFont | ImageFont":
    from PIL import ImageFont

    return ImageFont.load_default(size)
