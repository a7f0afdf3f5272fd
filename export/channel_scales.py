"""Scales of channels that equalize them between two layers, for a tensor that is to have one 8-bit scale.

Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction (2019): where ``f(s x) = s f(x)``
for positive ``s``, as with ReLU, a channel that one layer divides by ``s`` and the next multiplies by ``s`` changes no
answer. They have no data and choose ``s`` by the weights of both layers. Here the weights of the first layer have a
scale for each channel, and cost nothing; one scale for all channels has the tensor between the layers, and its values
are measured. Xiao et al., SmoothQuant (2022), balance the same two ranges in transformers.

The scales are powers of two: multiplying by them is exact, and the float answers keep every bit, unless numbers come
near the least or the largest that float32 has.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

# The weights of a layer, float32 of shape (groups, outputs of a group, inputs of a group, taps): a convolution without
# groups has one, a depthwise one has as many as channels, and a fully connected layer has one tap.
ChannelWeights: TypeAlias = NDArray[np.float32]

# Below, nothing is gained that shows in the answers: the largest channel costs the median one less than three bits.
LEAST_SPREAD = 8.0

# One step of what 8 bits can tell apart: smaller channels are as good as this large.
_ACTIVATION_STEP, _WEIGHT_STEP = 1 / 255, 1 / 127
# Each halves the distance to the balance at least, measured in octaves, and of those there are eight at most.
_ROUNDS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Equalized:
    """Two layers with channels of one size now.

    Attributes:
        tensor: Name of the first layer's output.
        spread: `channel_spread` of the values between the layers, as measured.
        balanced: What has become of it.
    """

    tensor: str
    spread: float
    balanced: float


def channel_spread(largest: NDArray[np.floating]) -> float:
    """Return how many times larger the largest channel is than the median one, of those that are not always 0.

    Args:
        largest: The largest magnitude of each channel, shape (channels,).

    >>> channel_spread(np.array([1.0, 40.0, 2.0, 0.0]))
    20.0
    """
    alive = largest[largest > 0]
    return float(alive.max() / np.median(alive)) if alive.size else 1.0


def balancing_exponents(
    largest: NDArray[np.floating], weights: ChannelWeights, channels: NDArray[np.integer]
) -> NDArray[np.int64] | None:
    """Return for each channel the k with which to divide it by 2^k, and to multiply the weights that read it.

    In the balance a channel's range, as a share of the tensor's, is equal to its weight, as a share of the largest in
    the same output. Where an output reads one channel alone, as in a depthwise convolution, weights have no say, and
    all channels become of one size. A channel that is always 0 stays as it is.

    What one call changes is nothing that another one looks at: the values of other tensors stay the same, and shares of
    an output do when the whole output is scaled. So a chain of layers needs no second round.

    Args:
        largest: The largest magnitude of each channel, shape (channels,).
        weights: Of the second layer.
        channels: The channel that each input of the second layer reads, shape (inputs,).

    Returns:
        int64 of shape (channels,); None where the spread is below `LEAST_SPREAD` or there is no balance to find.
    """
    if not (np.isfinite(largest).all() and np.isfinite(weights).all() and channel_spread(largest) >= LEAST_SPREAD):
        return None
    alive = largest > 0
    ranges = np.log2(np.maximum(largest, largest.max() * _ACTIVATION_STEP).astype(np.float64))
    magnitudes = np.abs(weights).max(axis=3).astype(np.float64)
    exponents = np.zeros(largest.shape)
    for _ in range(_ROUNDS):
        shares = np.zeros(largest.shape)
        np.maximum.at(shares, channels, _shares(magnitudes * np.exp2(exponents[channels]).reshape(len(weights), 1, -1)))
        exponents += (ranges - exponents - np.log2(shares)) / 2
        # A factor that all channels share has no effect: most of them are to stay as they are.
        exponents -= np.median(exponents[alive])
    rounded = np.where(alive, np.rint(exponents), 0).astype(np.int64)
    return rounded if rounded.any() else None


def _shares(magnitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weight of each input as a share of the largest of an output, in the output where it is most."""
    most = magnitudes.max(axis=2, keepdims=True)
    shares = np.divide(magnitudes, most, out=np.zeros_like(magnitudes), where=most > 0)
    return np.maximum(shares.max(axis=1).reshape(-1), _WEIGHT_STEP)


def powers_of_two(exponents: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return 2 to these powers."""
    return np.exp2(exponents).astype(np.float32)


def multiply_inputs(weights: ChannelWeights, factors: NDArray[np.float32]) -> None:
    """Multiply what a layer's inputs are multiplied with, in place, by a factor for each input."""
    weights *= factors.reshape(weights.shape[0], 1, weights.shape[2], 1)


def multiply_outputs(weights: ChannelWeights, factors: NDArray[np.float32]) -> None:
    """Multiply all weights of each of a layer's outputs, in place, by a factor for each output."""
    weights *= factors.reshape(*weights.shape[:2], 1, 1)
