"""The explanation of a bundle: what is lost in which layer, why, and what to do; `docs/explain.md` has the layout."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Annotated, TypeAlias

from ..runtime.io.checked_json import Node
from ..runtime.io.decode import Count, Label, Positive, Sha256, Share

SCHEMA_VERSION = 1
# Stands for equality to the last bit, which has no logarithm.
EXACT_DB = 200.0

Decibels: TypeAlias = Annotated[float, partial(Node.number, minimum=-1000, maximum=1000)]
NotNegative: TypeAlias = Annotated[float, partial(Node.number, minimum=0)]


class Cause(StrEnum):
    """Why a layer, or a file, loses accuracy or time."""

    CHANNEL_SPREAD = "channel spread"
    CLIPPED = "clipped range"
    WIDE_RANGE = "range far beyond most values"
    COARSE = "coarse rounding"
    DEPTH = "loss along the depth"
    OUTSIDE = "outside of the delegate"


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorFacts:
    """What was found of an operator.

    Attributes:
        kind: The operator's name in the format.
        position: Among all operators of the file, from 0.
        layers: The Keras layers that it computes, the one that it is named after first.
        stored: The dtype of its output.
        snr_db: Of its output against float32's on the images; `EXACT_DB` for equality; None without a counterpart.
        own_snr_db: The same for the operator alone, given float32's inputs, against float32's operator with the same
            rounded inputs: the median over channels, if it has four dimensions. None where it cannot stand alone.
        spread: The largest channel's range over the median channel's, in float32; None with less than four channels.
        low: The smallest number of its output in float32.
        high: The largest one.
        held_low: The smallest number that its output can hold; None for floats.
        held_high: The largest one.
        tail: The largest absolute number over the 99.99th percentile, in float32.
        clipped: Share of float32's numbers that its output cannot hold; None for floats.
        outside: Whether it is computed outside of the delegate; None where that is not known.
        weight_bytes: The bytes of its constants.
        time_share: Its share of the time of all operators, each as a file of its own; None where it cannot be.
    """

    kind: Label
    position: Count
    layers: tuple[Label, ...]
    stored: Label
    snr_db: Decibels | None
    own_snr_db: Decibels | None
    spread: NotNegative | None
    low: float | None
    high: float | None
    held_low: float | None
    held_high: float | None
    tail: NotNegative | None
    clipped: Share | None
    outside: bool | None
    weight_bytes: Count
    time_share: Share | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerFacts:
    """What was found of a Keras layer: of its last operator the output, of all the worst.

    Attributes:
        layer: Its name in the Keras model; ``(no layer)`` for operators of none.
        with_layers: Other layers that are computed together with it.
        operators: Positions of its operators in the list of the variant's.
        snr_db: Of its output so far; see `OperatorFacts`.
        own_snr_db: The lowest of its operators.
        spread: The largest of its operators.
        low: The smallest number of its output in float32.
        high: The largest one.
        clipped: The largest share of its operators.
        outside: Whether one of its operators is computed outside of the delegate.
        floating: Whether all of its operators give floats.
        weight_bytes: Of all operators.
        time_share: Of all operators.
    """

    layer: Label
    with_layers: tuple[Label, ...]
    operators: tuple[Count, ...]
    snr_db: Decibels | None
    own_snr_db: Decibels | None
    spread: NotNegative | None
    low: float | None
    high: float | None
    clipped: Share | None
    outside: bool | None
    floating: bool
    weight_bytes: Count
    time_share: Share | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A cause with what to do.

    Attributes:
        cause: Why accuracy or time is lost.
        layers: The layers where, worst first; empty for the network as a whole.
        text: Cause and figures, in words.
        action: What to do, in words.
        command: A command that does it; empty where the model itself is to be changed.
    """

    cause: Cause
    layers: tuple[Label, ...]
    text: Label
    action: Label
    command: str


@dataclass(frozen=True, kw_only=True, slots=True)
class VariantExplanation:
    """The explanation of one file.

    Attributes:
        name: ``<recipe>.<format>``.
        sha256: Digest of the file.
        reference: The float32 file that it was compared with.
        engine: Name and version of the engine, which had one thread.
        snr_db: Of its probabilities against that file's.
        time_ratio: Its time over that file's, in interleaved runs; None where nothing was timed.
        unmatched: Operators without a counterpart in the reference, as ``KIND in layer``.
        operators: In the file's order, without conversions between integers and floats.
        layers: In the order of their first operators.
        findings: Accuracy first, worst first; empty where nothing is to be done.
    """

    name: Label
    sha256: Sha256
    reference: Label
    engine: Label
    snr_db: Decibels | None
    time_ratio: NotNegative | None
    unmatched: tuple[Label, ...]
    operators: tuple[OperatorFacts, ...]
    layers: tuple[LayerFacts, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """The explanation of a bundle's files.

    Attributes:
        bundle: The folder, as it was given.
        images: How many images were run.
        images_from: Where they are from.
        variants: The files, in the order that was asked for.
    """

    bundle: str
    images: Positive
    images_from: Label
    variants: tuple[VariantExplanation, ...]

    def variant(self, name: str) -> VariantExplanation | None:
        """Return the explanation of a file by its name; None where it was not explained."""
        return next((one for one in self.variants if one.name == name), None)
