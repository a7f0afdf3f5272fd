"""Memory and time of the commands on folders of several sizes, and the layout of the file that keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..results_store import RESULTS, ResultsStore
from .memory import Cost

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """What the commands took for one folder.

    Attributes:
        images: Number of its files.
        pixel_bytes: What they take, decoded.
        costs: By command, in the order in which they ran.
    """

    images: int
    pixel_bytes: int
    costs: Mapping[str, Cost]


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoding:
    """The decoding of large photographs.

    Attributes:
        images: Number of files.
        width: Of each.
        height: Of each.
        seconds_one_core: The median of several rounds, for all of them.
        seconds_two_cores: Likewise.
        speedups: The ratio in each round.
    """

    images: int
    width: int
    height: int
    seconds_one_core: float
    seconds_two_cores: float
    speedups: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """All folders, from the smallest on.

    Attributes:
        sizes: Of each.
        decoding: Of large photographs.
        shape: Height, width and channels of an image.
        classes: Number of classes.
        environment: The machine.
        schema_version: Of this layout.
    """

    sizes: tuple[Size, ...]
    decoding: Decoding
    shape: tuple[int, int, int]
    classes: int
    environment: Mapping[str, Any]
    schema_version: int = SCHEMA_VERSION


STORE = ResultsStore(path=RESULTS / "scale.json", layout=Scale, schema_version=SCHEMA_VERSION)
