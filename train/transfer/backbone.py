"""The backbone of a model: the pretrained layers, which are frozen while its head learns to use them."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from ...runtime.errors import SpecMismatchError
from ..architecture import Architecture
from ..options import APPLICATIONS, RANDOM, FitOptions
from .applications import backbone_layers


@dataclass(frozen=True, kw_only=True, slots=True)
class Backbone:
    """The layers that are frozen in the first epochs; without any, all layers learn as the model was built.

    Attributes:
        layers: Of the model and of models inside it.
        keeps_normalization: Whether each BatchNormalization among them stays in inference mode to the end. The
            weights were made for its statistics, and a few small batches have other ones.
    """

    layers: tuple[keras.Layer, ...] = ()
    keeps_normalization: bool = True

    def freeze(self, model: keras.Model) -> keras.Model:
        """Freeze the backbone, and return a model that shares all weights and has the backbone in inference mode.

        A subclass of `keras.Model` is returned itself: how it calls its layers is unknown.
        """
        for layer in self.layers:
            layer.trainable = False
        if not isinstance(model, keras.Sequential) and type(model).__name__ != "Functional":
            return model
        graph = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
        frozen = {id(layer) for layer in self.layers}

        def called(layer: keras.Layer, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            if id(layer) not in frozen or "training" not in inspect.signature(layer.call).parameters:
                return layer(*arguments, **options)
            options.pop("training", None)
            return _Inference(layer)(*arguments, **options)

        return keras.models.clone_model(graph, clone_function=lambda layer: layer, call_function=called)

    def unfreeze(self) -> None:
        """Let the backbone learn, apart from its normalization if that is kept."""
        for layer in self.layers:
            layer.trainable = True
        for layer in self._normalizations():
            layer.trainable = not self.keeps_normalization

    def _normalizations(self) -> Iterator[keras.Layer]:
        return (layer for layer in self.layers if isinstance(layer, layers.BatchNormalization))


NO_BACKBONE = Backbone()


def find_backbone(architecture: Architecture, model: keras.Model, options: FitOptions) -> Backbone:
    """Return the backbone of a model as it was built.

    It is the network of a preset of keras.applications without its head; of a model of the user's own it is the layers
    that the builder has frozen, if there are frozen epochs: without these, they stay frozen to the end.

    Raises:
        SpecMismatchError: The options are for a model with a backbone, and this has none.
    """
    if architecture.preset in APPLICATIONS:
        return Backbone(layers=tuple(backbone_layers(model)), keeps_normalization=architecture.weights != RANDOM)
    if not options.frozen_epochs:
        if options.fine_tuning_rate is not None:
            raise SpecMismatchError(
                f"a fine-tuning rate is for the epochs after frozen ones, and {architecture.name} has none; say "
                "--learning-rate instead"
            )
        return NO_BACKBONE
    frozen = [layer for layer in model._flatten_layers(include_self=False) if not layer.trainable]
    if not frozen or not model.trainable_variables:
        raise SpecMismatchError(
            f"frozen epochs are for a model with a backbone: for the presets {', '.join(APPLICATIONS)}, or for one of "
            f"your own with trainable = False for some layers, not all; {architecture.name} has "
            f"{len(model.trainable_variables)} weights that learn and {len(frozen)} layers that do not"
        )
    return Backbone(layers=tuple(frozen))


class _Inference(layers.Wrapper):
    """A layer in inference mode, also in training: Keras passes its mode on, over what the graph says."""

    def call(self, inputs: Any, **options: Any) -> Any:  # noqa: ANN401
        return self.layer(inputs, **options, training=False)
