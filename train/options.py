"""Options of fitting a model, and the settings of each preset."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ..runtime.errors import SpecMismatchError, UnknownNameError, similar
from ..runtime.io.decode import MAY_BE_ABSENT

SCHEDULES = ("cosine", "cosine-no-warmup", "constant")
BALANCED = "balanced"
CLASS_WEIGHTS = (BALANCED,)
IMAGENET, RANDOM = "imagenet", "random"

_CROP_RATIO = 4 / 3


@dataclass(frozen=True, kw_only=True, slots=True)
class FitOptions:
    """How a model is fitted.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images per step.
        learning_rate: AdamW's highest learning rate.
        schedule: ``"cosine"``: the learning rate is reached after a twentieth of the steps, then lowered to 0 along a
            cosine; ``"cosine-no-warmup"``: it begins with its highest; ``"constant"``: it stays there.
        weight_decay: AdamW's, of convolution and dense kernels; biases and normalization are left alone.
        label_smoothing: Share of a label's probability that is spread over all classes.
        ema: Momentum of the running average of the weights, with which the model ends (its normalizations keep their
            last statistics); None for the last weights.
        validation_share: Share of the training images that are held out for validation.
        augmentation: Rotation, zoom and shift of images, as a multiple of the limits in
            `augmentation/affine.py`; 0 for none.
        patience: Stop after this many epochs without a better validation accuracy, with the best weights; None: never.
        distill_weight: Weight of the distillation loss, with a teacher; the rest is that of the labels.
        temperature: Divides the logits of teacher and student before they are compared.
        quantization_epochs: Epochs of quantization-aware fine-tuning that follow, at a tenth of the learning rate, with
            folded normalizations. A training that was cut off in them begins them anew.
        seed: Of everything random.
        frozen_epochs: Epochs before all others in which only the head learns, and the backbone answers as in inference.
        fine_tuning_rate: Highest learning rate of the epochs in which all layers learn; None: a tenth of
            `learning_rate` after frozen epochs, else `learning_rate` itself.
        flip: Whether half of the images, at random, are mirrored left to right.
        crop: Smallest share of an image's area that is cut out and resized to the whole; 1 for no crops. See
            `augmentation/crop.py`.
        crop_ratio: How much wider or higher than the image a cut may be, as a ratio of sides; 1 keeps the image's.
        colour: Change of brightness, contrast and saturation: factors from 1 - colour to 1 + colour; 0 for none. See
            `augmentation/colour.py`.
        class_weights: ``"balanced"``: the loss of an image is weighted by the inverse frequency of its class; None: all
            images count alike. See `class_weights.py`.
    """

    epochs: int = 14
    batch_size: int = 128
    learning_rate: float = 8e-3
    schedule: str = "cosine"
    weight_decay: float = 0.02
    label_smoothing: float = 0.0
    ema: float | None = None
    validation_share: float = 1 / 12
    augmentation: float = 1.0
    patience: int | None = None
    distill_weight: float = 0.9
    temperature: float = 4.0
    quantization_epochs: int = 0
    seed: int = 1
    # Younger than the first records; those without them keep their digest.
    frozen_epochs: int = field(default=0, metadata=MAY_BE_ABSENT)
    fine_tuning_rate: float | None = field(default=None, metadata=MAY_BE_ABSENT)
    flip: bool = field(default=False, metadata=MAY_BE_ABSENT)
    crop: float = field(default=1.0, metadata=MAY_BE_ABSENT)
    crop_ratio: float = field(default=_CROP_RATIO, metadata=MAY_BE_ABSENT)
    colour: float = field(default=0.0, metadata=MAY_BE_ABSENT)
    class_weights: str | None = field(default=None, metadata=MAY_BE_ABSENT)

    def __post_init__(self) -> None:
        for name, (possible, words) in _POSSIBLE.items():
            value = getattr(self, name)
            if value is not None and not possible(value):
                raise SpecMismatchError(f"{name.replace('_', ' ')} must be {words}, got {value}")
        if self.schedule not in SCHEDULES:
            raise UnknownNameError(f"unknown schedule {self.schedule!r}; possible: {', '.join(SCHEDULES)}")
        if self.patience is not None and self.ema is not None:
            raise SpecMismatchError(
                "patience keeps the weights of one epoch, ema an average of all; choose one of them"
            )
        if self.class_weights not in (None, *CLASS_WEIGHTS):
            raise UnknownNameError(
                f"unknown class weights {self.class_weights!r}; possible: {', '.join(CLASS_WEIGHTS)}"
            )
        if self.crop == 1 and self.crop_ratio != _CROP_RATIO:
            raise SpecMismatchError("a crop ratio is for random crops; say how small they may be, too: --crop 0.5")

    @property
    def all_epochs(self) -> int:
        """Number of epochs, frozen ones and others."""
        return self.frozen_epochs + self.epochs

    @property
    def unfrozen_rate(self) -> float:
        """Highest learning rate of the epochs in which all layers learn."""
        if self.fine_tuning_rate is not None:
            return self.fine_tuning_rate
        return self.learning_rate / 10 if self.frozen_epochs else self.learning_rate


_COUNT: tuple[Callable[[float], bool], str] = (lambda value: value >= 1, "at least 1")
_SHARE: tuple[Callable[[float], bool], str] = (lambda value: 0 < value < 1, "between 0 and 1")
_FROM_0: tuple[Callable[[float], bool], str] = (lambda value: 0 <= value < float("inf"), "at least 0")
_ABOVE_0: tuple[Callable[[float], bool], str] = (lambda value: 0 < value < float("inf"), "above 0")
# The possible values of each option, and their words.
_POSSIBLE: Mapping[str, tuple[Callable[[float], bool], str]] = {
    "epochs": _COUNT,
    "batch_size": _COUNT,
    "learning_rate": _ABOVE_0,
    "weight_decay": _FROM_0,
    "label_smoothing": (lambda value: 0 <= value < 1, "at least 0 and below 1"),
    "ema": _SHARE,
    "augmentation": (lambda value: 0 <= value <= 5, "from 0 to 5"),
    "validation_share": _SHARE,
    "patience": _COUNT,
    "distill_weight": (lambda value: 0 <= value <= 1, "from 0 to 1"),
    "temperature": _ABOVE_0,
    "quantization_epochs": _FROM_0,
    "seed": (lambda value: 0 <= value < 2**31, f"from 0 to {2**31 - 1}"),
    "frozen_epochs": _FROM_0,
    "fine_tuning_rate": _ABOVE_0,
    "crop": (lambda value: 0 < value <= 1, "above 0 and at most 1"),
    "crop_ratio": (lambda value: 1 <= value <= 10, "from 1 to 10"),
    "colour": (lambda value: 0 <= value <= 1, "from 0 to 1"),
}

# The default options of each preset; studies/ablations/run.py measures what they are worth.
_SETTINGS: Mapping[str, FitOptions] = {
    "tiny": FitOptions(epochs=30, learning_rate=1.6e-2, weight_decay=0.1, augmentation=0.5),
    "default": FitOptions(epochs=16, learning_rate=4e-3, weight_decay=0.1),
    "accurate": FitOptions(epochs=20, learning_rate=4e-3, weight_decay=0.1),
}
# Presets of keras.applications, by the names of their functions there.
APPLICATIONS: Mapping[str, str] = {
    "mobilenetv3-small": "MobileNetV3Small",
    "efficientnetv2-b0": "EfficientNetV2B0",
    "convnext-tiny": "ConvNeXtTiny",
}
_TRANSFER = FitOptions(epochs=10, batch_size=32, learning_rate=1e-3, frozen_epochs=5, fine_tuning_rate=1e-4)
# Nothing is learned yet that a high rate could destroy, or that is worth freezing.
_FROM_RANDOM = replace(_TRANSFER, epochs=60, frozen_epochs=0, fine_tuning_rate=None)


def settings(preset: str | None, weights: str | None = None) -> FitOptions:
    """Return a preset's default options.

    Args:
        preset: Its name; None for a model of the user's own, with `FitOptions()`.
        weights: Those that a preset of keras.applications begins with; other defaults for ``"random"``.

    Raises:
        UnknownNameError: There is no such preset.
    """
    if preset is None:
        return FitOptions()
    if preset in APPLICATIONS:
        return _FROM_RANDOM if weights == RANDOM else _TRANSFER
    if preset not in _SETTINGS:
        raise UnknownNameError(f"unknown preset {preset!r}; {similar(preset, [*_SETTINGS, *APPLICATIONS])}")
    return _SETTINGS[preset]
