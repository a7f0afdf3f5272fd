"""Measure the operators of a file against those of the float32 file that it was made from."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ...metrics.explanation import OperatorFacts
from .matching import Counterpart, match_operators
from .measures import Noise, Spread
from .network import Arrays, Network, NetworkOperator
from .scales import ChannelScales
from .timing import median_seconds

_SAME = np.float32(1)


class OperatorMeasurement:
    """The operators of a file, measured image by image.

    Args:
        found: The file.
        original: The float32 file.
    """

    def __init__(self, found: Network, original: Network) -> None:
        self._found, self._original = found, original
        self.matches: Mapping[int, Counterpart] = match_operators(found.operators, original.operators)
        axis = found.channel_axis
        self._scales: dict[int | tuple[int, int], NDArray[np.float32]] = {}  # of outputs, and of inputs by place
        self._so_far = {i: Noise(axis) for i in self.matches}
        self._own = {i: Noise(axis) for i in self.matches}
        self._spreads = {i: Spread(axis, found.operators[i].low, found.operators[i].high) for i in self.matches}
        self._singles = {i: single for i in range(len(found.operators)) if (single := found.single(i, i)) is not None}
        self._originals = {
            i: single
            for i, other in self.matches.items()
            if i in self._singles and (single := original.single(other.first, other.last))
        }

    def find_scales(self, images: NDArray[np.uint8]) -> None:
        """Find channels that were equalized, on some images of shape (N, H, W, C), before anything is compared."""
        axis = self._found.channel_axis
        outputs = {i: ChannelScales(axis) for i in self.matches}
        inputs: dict[tuple[int, int], ChannelScales] = {}
        dimensions: dict[int | tuple[int, int], int] = {}
        for image in images:
            self._run(image)
            for i, other in self.matches.items():
                right, found = self._original.output(other.last), self._found.output(i)
                if right is not None and found is not None and right.shape == found.shape:
                    outputs[i].add(right, found)
                    dimensions[i] = right.ndim
                pairs = zip(self._original.inputs(other.first), self._found.inputs(i), strict=False)
                for place, (given, taken) in enumerate(pairs):
                    if given.shape == taken.shape and given.dtype == taken.dtype == np.float32:
                        inputs.setdefault((i, place), ChannelScales(axis)).add(given, taken)
                        dimensions[i, place] = given.ndim
        self._scales = {
            key: factors
            for key, scales in {**outputs, **inputs}.items()
            if key in dimensions and (factors := scales.factors(dimensions[key])) is not None
        }

    def add(self, image: NDArray[np.uint8]) -> None:
        """Run both files on an image, uint8 of shape (H, W, C), and collect what their operators gave."""
        self._run(image)
        for i, other in self.matches.items():
            right, found = self._original.output(other.last), self._found.output(i)
            if right is None or found is None or right.shape != found.shape:
                continue
            scaled = right * self._scales.get(i, _SAME)
            self._so_far[i].add(scaled, found)
            self._spreads[i].add(scaled)
            if i in self._originals:
                self._add_own(i, self._original.inputs(other.first))

    def _run(self, image: NDArray[np.uint8]) -> None:
        self._found.run(image)
        self._original.run(image)

    def facts(self, *, timed: bool = True) -> list[OperatorFacts]:
        """Return what was found, if asked for with the operators' shares of the time."""
        shares = self._time_shares() if timed else {}
        return [self._facts(i, operator, shares.get(i)) for i, operator in enumerate(self._found.operators)]

    def layers(self, index: int) -> tuple[str, ...]:
        """Return the layers of an operator: in a file without names, those of its counterpart in the float32 file."""
        other = self.matches.get(index)
        if other is None:
            return self._found.operators[index].layers
        parts = (self._original.operators[i].layers for i in dict.fromkeys((other.first, other.last)))
        return tuple(dict.fromkeys(layer for part in parts for layer in part))

    def _add_own(self, index: int, given: Arrays) -> None:
        single, original = self._singles[index], self._originals[index]
        scales = [self._scales.get((index, place), None) for place in range(len(given))]
        scaled = [real if scale is None else real * scale for real, scale in zip(given, scales, strict=True)]
        try:
            rounded = single.rounded(scaled)
            plain = [real if scale is None else real / scale for real, scale in zip(rounded, scales, strict=True)]
            self._own[index].add(original.run(plain) * self._scales.get(index, _SAME), single.run(scaled))
        except (ValueError, RuntimeError):  # the two take different tensors: the converter has changed the operator
            del self._originals[index]

    def _time_shares(self) -> dict[int, float]:
        inputs: dict[int, Arrays] = {i: self._found.inputs(i) for i in self._singles}
        runs = {i: single.timer(inputs[i]) for i, single in self._singles.items()}
        seconds = dict(zip(runs, median_seconds(list(runs.values())), strict=True))
        total = sum(seconds.values())
        return {i: one / total for i, one in seconds.items()}

    def _facts(self, index: int, operator: NetworkOperator, time_share: float | None) -> OperatorFacts:
        spread = self._spreads.get(index)
        low, high = (spread and spread.range) or (None, None)
        return OperatorFacts(
            kind=operator.kind,
            position=operator.position,
            layers=self.layers(index),
            stored=operator.stored,
            snr_db=self._so_far[index].snr_db if index in self._so_far else None,
            own_snr_db=self._own[index].channel_snr_db if index in self._own else None,
            spread=spread and spread.channels,
            low=low,
            high=high,
            held_low=operator.low,
            held_high=operator.high,
            tail=spread and spread.tail,
            clipped=spread and spread.clipped,
            outside=operator.outside,
            weight_bytes=operator.weight_bytes,
            time_share=time_share,
        )
