"""The data behind a report that report.json has no room for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle.image_reading import ImageReading
from ..runtime.bundle.temperature import Temperature
from ..runtime.bundle.tensors import TensorSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """The answers of a model file to all test images.

    Attributes:
        stored: Its raw outputs, shape (N, classes), in the dtype of `output`.
        output: The tensor that gave them.
        temperature: See `Temperature`; 1 where the bundle has none for the file.
    """

    stored: NDArray[Any]
    output: TensorSpec
    temperature: float

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """The probabilities of the file as it is, shape (N, classes)."""
        return self.output.decode(self.stored)

    @property
    def calibrated(self) -> NDArray[np.float32]:
        """The probabilities with the temperature applied, as `Classifier` gives them."""
        return Temperature(self.output, self.temperature)(self.stored)


class ImageRow(Protocol):
    """Images, uint8 of shape (N, H, W, C), in memory or on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, position: int, /) -> NDArray[np.uint8]:
        """Return the image at a position, shape (H, W, C)."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RawData:
    """The test images, the answers and the raw latencies behind a report.

    Attributes:
        images: uint8 of shape (N, H, W, C), values 0-255, as every model was given them.
        labels: The true classes, int64 of shape (N,); None where they are not known.
        answers: By the titles of the rows, peers included.
        default_row: The title of the row with the variant that `Classifier.load` takes from the bundle.
        reading: How the images were read; their channels are in its order.
        runs: Nanoseconds of every timed run, int64, by row title or Keras call, and threads; empty if none was timed.
    """

    images: ImageRow
    labels: NDArray[np.int64] | None
    answers: Mapping[str, Answers]
    default_row: str
    reading: ImageReading
    runs: Mapping[tuple[str, int], NDArray[Any]]

    def picture(self, position: int) -> NDArray[np.uint8]:
        """Return a test image as people see it, in RGB or gray, uint8 of shape (H, W, C)."""
        return self.reading.reorder(self.images[position])
