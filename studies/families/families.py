"""The table of families: each architecture with the training that it gets; without Keras."""

from collections.abc import Mapping
from dataclasses import dataclass

from edgeproof.train.options import FitOptions

# Of 60,000 training images 50,000 are learned from.
_HELD_OUT = 1 / 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """The training of an architecture.

    Attributes:
        title: Its name on the page.
        epochs: Passes over 50,000 images; all of them take less than 20 minutes of one core that is idle otherwise.
        colour: Whether it takes images of 32x32 pixels in three colours, as keras.applications do at the least.
        learning_rate: AdamW's highest.
        batch_size: Images per step.
    """

    title: str
    epochs: int
    colour: bool = False
    learning_rate: float = 3e-3
    batch_size: int = 128

    def options(self) -> FitOptions:
        """Return the options of the training; images are taken as they are."""
        return FitOptions(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            validation_share=_HELD_OUT,
            augmentation=0.0,
        )


PRESET = "default"
FAMILIES: Mapping[str, Family] = {
    PRESET: Family(title="default preset", epochs=5),
    "residual": Family(title="residual, separable, five activations", epochs=8),
    "pre_activation": Family(title="pre-activation, concatenations, ReLU6", epochs=3),
    "small_mobilenet_v3": Family(title="MobileNetV3-like, small", epochs=3),
    "small_efficientnet": Family(title="EfficientNet-like, small", epochs=4),
    "small_convnext": Family(title="ConvNeXt, small", epochs=5),
    "small_vit": Family(title="ViT, small", epochs=4, learning_rate=1.5e-3),
    "mobilenet_v2": Family(title="MobileNetV2", epochs=2, colour=True),
    "mobilenet_v3_small": Family(title="MobileNetV3Small", epochs=3, colour=True),
    "efficientnet_b0": Family(title="EfficientNetB0", epochs=3, colour=True),
    "efficientnet_v2_b0": Family(title="EfficientNetV2B0", epochs=2, colour=True),
    "resnet50": Family(title="ResNet50", epochs=1, colour=True),
    "densenet121": Family(title="DenseNet121", epochs=1, colour=True),
}
