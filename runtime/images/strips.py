"""Pillow images as strips of a model's colours: no copy of a whole photograph is made."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.image_reading import DEFAULT_READING, ImageReading
from ..errors import SpecMismatchError, foreign_errors
from .colour import gray_as_libpng, ground_behind
from .draft import JpegDecoding, reopened
from .orientation import FROM_END, METHODS, SIDEWAYS, turned
from .stored import alpha_of, as_tensorflow, drops_remainders, eight_bits, read_orientation, read_size

if TYPE_CHECKING:
    from PIL.Image import Image, Resampling

_PIXELS = 2**17  # of a strip, about


class Strips:
    """An upright image in a model's colours, from top to bottom.

    Attributes:
        height: Of the upright image.
        width: Of the upright image.
        channels: 1 for gray, 3 for RGB.

    Args:
        image: Of any mode with known black and white, as it is stored.
        channels: As above.
        show_ink: How transparency is drawn; see `with_channels`.
        reading: How it is read, but for its colour order.
        jpeg: How a JPEG file that is not decoded yet is decoded; see `reopened`.

    Raises:
        SpecMismatchError: Its mode has no known black and white, or it cannot be decoded or converted.
    """

    def __init__(
        self,
        image: "Image",
        channels: int,
        *,
        show_ink: bool = False,
        reading: ImageReading = DEFAULT_READING,
        jpeg: JpegDecoding | None = None,
    ) -> None:
        # OSError, SyntaxError: a file that was opened elsewhere, and is broken.
        with _unusable(image):
            image = image if jpeg is None else reopened(image, jpeg)
            image.load()
        if image.mode in ("I", "F"):
            raise SpecMismatchError(f"an image in mode {image.mode} has no known range; convert it to 8 or 16 bits")
        self._orientation = read_orientation(image, reading)
        self.height, self.width = read_size(image, reading)
        self.channels, self._mode = (1, "L") if channels == 1 else (3, "RGB")
        self._alpha, self._sixteen_bits = alpha_of(image, reading), reading.sixteen_bits
        self._drops_remainders = channels == 1 and drops_remainders(image, reading)
        self._image = image if reading.arithmetic != "tensorflow" else as_tensorflow(image, channels)
        self._transparent = image.has_transparency_data and not image.mode.startswith("I;16")
        self._ground = 0 if self._alpha == "black" else 255
        if self._transparent and show_ink:
            self._ground = self._found_ground()

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """Yield strips of shape (rows, width, channels), values 0-255."""
        return map(self._pixels, self._upright())

    def array(self) -> NDArray[np.uint8]:
        """Return the whole image, of shape (height, width, channels)."""
        return join(self, np.empty((self.height, self.width, self.channels), np.uint8))

    def resized_across(self, width: int, resampling: "Resampling") -> NDArray[np.uint8]:
        """Return the image as Pillow resizes it to another width, of shape (height, width, channels)."""
        if self._image.mode == self._mode and self._orientation not in METHODS and not self._transparent:
            return self._pixels(self._image.resize((width, self.height), resampling))  # which needs no copy of it
        parts = (self._pixels(strip.resize((width, strip.height), resampling)) for strip in self._upright())
        return join(parts, np.empty((self.height, width, self.channels), np.uint8))

    def _upright(self) -> Iterator["Image"]:
        """Yield strips of the upright image in the model's colours."""
        rows = max(1, _PIXELS // self.width)
        for top in range(0, self.height, rows):
            start, end = top, min(top + rows, self.height)
            if self._orientation in FROM_END:
                start, end = self.height - end, self.height - start
            box = (start, 0, end, self.width) if self._orientation in SIDEWAYS else (0, start, self.width, end)
            with _unusable(self._image):
                strip = self._converted(turned(self._image.crop(box), self._orientation))
            yield strip

    def _pixels(self, strip: "Image") -> NDArray[np.uint8]:
        return np.asarray(strip).reshape(strip.height, strip.width, self.channels)

    def _converted(self, strip: "Image") -> "Image":
        from PIL import Image

        if strip.mode.startswith("I;16"):
            strip = Image.fromarray(eight_bits(np.asarray(strip), self._sixteen_bits))
        elif self._transparent and self._alpha == "drop":
            strip.info.pop("transparency", None)  # which Pillow would convert, and warn of
        elif self._transparent:
            layer = strip.convert("RGBA")
            strip = Image.alpha_composite(Image.new("RGBA", layer.size, (self._ground,) * 3), layer)
        if self._drops_remainders and strip.mode not in ("L", "LA", "1"):
            return Image.fromarray(gray_as_libpng(np.asarray(strip.convert("RGB")))[..., 0])
        return strip if strip.mode == self._mode else strip.convert(self._mode)

    def _found_ground(self) -> int:
        """Return black or white, on which the visible part shows; a few averages tell as much as millions of pixels."""
        from PIL import Image

        with _unusable(self._image):
            layer = turned(self._image, self._orientation).convert("RGBA")
        return ground_behind(
            np.asarray(layer.resize((min(layer.width, 64), min(layer.height, 64)), Image.Resampling.BOX))
        )


class GrayStrips:
    """The gray values of strips that have one channel.

    Attributes:
        shape: Height and width.

    Args:
        strips: Of an image.
    """

    def __init__(self, strips: Strips) -> None:
        self._strips = strips
        self.shape = strips.height, strips.width

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """Yield strips of shape (rows, width), values 0-255, from top to bottom."""
        return (strip[:, :, 0] for strip in self._strips)


def join(strips: Iterable[NDArray[Any]], out: NDArray[Any]) -> NDArray[Any]:
    """Write strips, from top to bottom, into an array, and return it."""
    top = 0
    for strip in strips:
        out[top : top + len(strip)] = strip
        top += len(strip)
    return out


def _unusable(image: "Image") -> Any:  # noqa: ANN401  (a context manager)
    return foreign_errors(
        SpecMismatchError, f"an image in mode {image.mode} cannot be used", caught=(ValueError, OSError, SyntaxError)
    )
