"""The outputs of a model before a head makes probabilities of them: what they are, and whether that can be right."""

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from ...datasets.rows import Images
from ...runtime.bundle.manifest import ModelOutput
from ...runtime.errors import SpecMismatchError
from ...runtime.validation import are_probabilities
from ..tracing.layer_names import output_operation

SIGMOID, LINEAR = "sigmoid", "linear"
SOFTMAX_OPTION, NORMALIZE_OPTION = "--softmax", "--normalize-outputs"

_OF_ONE = {ModelOutput.PROBABILITIES: ModelOutput.PROBABILITY, ModelOutput.LOGITS: ModelOutput.LOGIT}
# So many images tell whether outputs are between 0 and 1.
_ENOUGH = 100
_SEVERAL = (
    "several labels per image (multi-label) are not supported: answers, accuracy and calibration are of one class per "
    "image"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RawOutputs:
    """What a model gives by itself.

    Attributes:
        model: Takes raw pixels 0-255 as float32 NHWC, gives the outputs, shape (batch, units).
        given: What they are, as the user says.
        layer: The name of the layer that gives them.
        activation: Of that layer: ``"sigmoid"``, ``"linear"``, or another name, which tells nothing.
    """

    model: keras.Model
    given: ModelOutput
    layer: str
    activation: str

    def check(self, images: Images, found: NDArray[np.float32]) -> None:
        """Refuse what the user says of the outputs, or does not say, where they cannot be that.

        Args:
            images: uint8 of shape (N, H, W, C).
            found: What the head has made of the outputs for these, float32 of shape (N, classes).

        Raises:
            SpecMismatchError: They are something else; the message has the option that fits.
        """
        match self.given:
            case ModelOutput.LOGITS | ModelOutput.LOGIT:
                self._check_logits(images, found)
            case ModelOutput.SIGMOIDS:
                self._check_sigmoids(images)
            case ModelOutput.PROBABILITY:
                self._check_probability(found)
            case ModelOutput.PROBABILITIES:
                self._check_probabilities(found)
        # What is compared, reported and thresholded later are probabilities; scores would be misread silently.
        if not are_probabilities(found):
            raise SpecMismatchError(f"the model's outputs make no probabilities: they go {_extent(found)}")

    def not_these_classes(self, classes: int) -> str:
        """Return why a model does not fit data with another number of classes."""
        units = self.model.output_shape[-1]
        own = f"the model has {2 if units == 1 else units} classes"
        own += f" (layer {self.layer!r} has one unit)" if units == 1 else ""
        several = f"; layer {self.layer!r} is a sigmoid per class: {_SEVERAL}" if self._is_multi_label else ""
        return f"{own}, the data has {classes}{several}"

    @property
    def _is_multi_label(self) -> bool:
        return self.activation == SIGMOID and self.model.output_shape[-1] > 1

    def _check_logits(self, images: Images, softmaxed: NDArray[np.float32]) -> None:
        """Refuse a softmax on top of numbers from 0 to 1: it would flatten all answers.

        A softmax tells logits up to a constant. Those between 0 and 1 differ by 1 at most; where no two differ by more,
        they are looked at themselves. A layer without an activation gives logits, however small they happen to be.
        """
        logarithms = np.log(np.maximum(softmaxed, np.finfo(np.float32).tiny))
        if self.activation == LINEAR or np.ptp(logarithms, axis=1).max() > 1 + 1e-4:
            return
        found = self._outputs_for(images)
        if not _lies_in_0_to_1(found):
            return
        if self.given is ModelOutput.LOGIT:
            raise SpecMismatchError(
                f"the model gives a probability already: its one output, of layer {self.layer!r}, "
                f"{_extent_of_one(found)}; leave out {SOFTMAX_OPTION}"
            )
        if are_probabilities(found):
            raise SpecMismatchError(f"the model gives probabilities already; leave out {SOFTMAX_OPTION}")
        raise SpecMismatchError(
            f"{SOFTMAX_OPTION} is for logits, and the model's outputs are from 0 to 1 already: {self._sigmoids(found)}"
            f"; a softmax would make at most {_largest_softmax(found.shape[1]):.2f} of them. If each image has one "
            f"class, say {NORMALIZE_OPTION} in its place, which divides them by their sum; {_SEVERAL}"
        )

    def _check_sigmoids(self, images: Images) -> None:
        found = self._outputs_for(images)
        if not _lies_in_0_to_1(found):
            raise SpecMismatchError(
                f"{NORMALIZE_OPTION} is for outputs from 0 to 1, and the model's go {_extent(found)}; if "
                f"they are logits, say {SOFTMAX_OPTION} in its place"
            )
        if are_probabilities(found):
            raise SpecMismatchError(f"the model gives probabilities already; leave out {NORMALIZE_OPTION}")

    def _check_probability(self, found: NDArray[np.float32]) -> None:
        if not _lies_in_0_to_1(found):
            raise SpecMismatchError(
                f"the model's one output, of layer {self.layer!r}, is not a probability: it "
                f"{_extent_of_one(found[:, 1:])}; if it is a logit, say {SOFTMAX_OPTION}, which makes probabilities "
                "of it"
            )

    def _check_probabilities(self, found: NDArray[np.float32]) -> None:
        if are_probabilities(found):
            return
        if not _lies_in_0_to_1(found) or self.activation == LINEAR:
            raise SpecMismatchError(
                f"the model's outputs are not probabilities: they go {_extent(found)}; if they are logits, say "
                f"{SOFTMAX_OPTION} to have one appended"
            )
        raise SpecMismatchError(
            f"the model's outputs are not probabilities of one class: {self._sigmoids(found)}. If each image has one "
            f"class, say {NORMALIZE_OPTION}, which divides them by their sum; {_SEVERAL}"
        )

    def _sigmoids(self, found: NDArray[np.float32]) -> str:
        called = "is a sigmoid per class" if self.activation == SIGMOID else "gives them"
        return f"layer {self.layer!r} {called}, {_extent(found)}"

    def _outputs_for(self, images: Images) -> NDArray[np.float32]:
        return self.model.predict(images[:_ENOUGH].astype(np.float32), verbose=0)


def raw_outputs(model: keras.Model, wrapped: keras.Model, said: ModelOutput) -> RawOutputs:
    """Describe the outputs of a model.

    Args:
        model: As the user made it.
        wrapped: The same, taking pixels; with outputs of shape (batch, units).
        said: What the user says that outputs are; of one unit per class or of a single one.

    Raises:
        SpecMismatchError: The model has a single unit, of which this cannot be.
    """
    last = output_operation(model)
    layer, activation = last.name, _activation_of(last)
    if wrapped.output_shape[-1] > 1:
        return RawOutputs(model=wrapped, given=said, layer=layer, activation=activation)
    if said is ModelOutput.SIGMOIDS:
        raise SpecMismatchError(
            f"{NORMALIZE_OPTION} is for a sigmoid per class, and the model has one unit (layer {layer!r}); leave it out"
        )
    given = _OF_ONE.get(said, said)
    if given is ModelOutput.PROBABILITY and activation == LINEAR:
        raise SpecMismatchError(
            f"the model gives one logit: layer {layer!r} has one unit and no activation; say {SOFTMAX_OPTION}, which "
            "makes probabilities of two classes of it"
        )
    return RawOutputs(model=wrapped, given=given, layer=layer, activation=activation)


def _activation_of(operation: object) -> str:
    """Return the name of a layer's or operation's activation, or its own kind.

    >>> _activation_of(keras.layers.Dense(1, "sigmoid")), _activation_of(keras.layers.Softmax())
    ('sigmoid', 'softmax')
    """
    activation = getattr(operation, "activation", operation)
    return getattr(activation, "__name__", type(activation).__name__).lower()


def _lies_in_0_to_1(found: NDArray[np.float32]) -> bool:
    return bool(np.all((found >= 0) & (found <= 1)))


def _largest_softmax(classes: int) -> float:
    """Return the largest number that a softmax makes of so many numbers from 0 to 1: of a 1 among zeros."""
    return float(np.e / (np.e + classes - 1))


def _extent(found: NDArray[np.float32]) -> str:
    """Say between which numbers outputs lie, and how much a row sums up to.

    >>> _extent(np.array([[0.25, 0.5], [0.25, 1.0]], np.float32))
    'from 0.25 to 1 with a sum of 1 per image'
    """
    return f"from {found.min():.3g} to {found.max():.3g} with a sum of {found.sum(axis=1).mean():.3g} per image"


def _extent_of_one(found: NDArray[np.float32]) -> str:
    return f"goes from {found.min():.3g} to {found.max():.3g}"
