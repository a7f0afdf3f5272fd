"""Options of fitting a model, and the settings of each preset."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..runtime.errors import SpecMismatchError, UnknownNameError, similar

SCHEDULES = ("cosine", "cosine-no-warmup", "constant")


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
        augmentation: Rotation, zoom and shift of images, as a multiple of the limits in `augmentation.py`; 0 for none.
        patience: Stop after this many epochs without a better validation accuracy, with the best weights; None: never.
        distill_weight: Weight of the distillation loss, with a teacher; the rest is that of the labels.
        temperature: Divides the logits of teacher and student before they are compared.
        quantization_epochs: Epochs of quantization-aware fine-tuning that follow, at a tenth of the learning rate, with
            folded normalizations. A training that was cut off in them begins them anew.
        seed: Of everything random.
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
}

# The default options of each preset; studies/ablations/run.py measures what they are worth.
_SETTINGS: Mapping[str, FitOptions] = {
    "tiny": FitOptions(epochs=30, learning_rate=1.6e-2, weight_decay=0.1, augmentation=0.5),
    "default": FitOptions(epochs=16, learning_rate=4e-3, weight_decay=0.1),
    "accurate": FitOptions(epochs=20, learning_rate=4e-3, weight_decay=0.1),
}


def settings(preset: str | None) -> FitOptions:
    """Return a preset's default options, or `FitOptions()` for None; raise UnknownNameError for other names."""
    if preset is None:
        return FitOptions()
    if preset not in _SETTINGS:
        raise UnknownNameError(f"unknown preset {preset!r}; {similar(preset, [*_SETTINGS])}")
    return _SETTINGS[preset]
