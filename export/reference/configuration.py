"""The configuration of a Keras model: the layers that it names, searched for code before Keras reads it."""

from collections.abc import Iterator
from typing import Any

_OPERATIONS_OF_KERAS_2 = frozenset({"TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"})


def code_in(config: object) -> str | None:
    """Return what is wrong with a configuration that holds code; None if it holds none."""
    for layer, one in objects_in(config):
        if one["class_name"] in ("Lambda", "__lambda__"):
            return (
                f"layer {layer!r} holds a Python function, which is code, and a model file is not run as code: use a "
                "layer of Keras, or a class of your own that is registered in a file given with --custom"
            )
        if one["class_name"] == "TFSMLayer":
            return (
                f"layer {layer!r} runs a SavedModel, which is another file with code of its own: save the model that "
                "this was made of, where it was made, with model.save('model.keras')"
            )
    return None


def unknown_class_in(config: object, message: str) -> str | None:
    """Return which classes in a configuration Keras 3 does not have, and what to do.

    Args:
        config: The configuration.
        message: What Keras says, which names a class of the user's own.

    Returns:
        None if it is something else that Keras complains of.
    """
    foreign = {
        one["class_name"]: layer
        for layer, one in objects_in(config)
        if not str(one.get("module") or "").startswith("keras") and "registered_name" in one
    }
    operations = [layer for layer, one in objects_in(config) if one["class_name"] in _OPERATIONS_OF_KERAS_2]
    if operations:
        return (
            f"layer {operations[0]!r} is a TensorFlow operation that Keras 2 saved, and Keras 3 has no such layer: "
            "build the model with a layer of Keras in its place (keras.layers.Rescaling, for example), load the "
            "weights with model.load_weights, and save it with model.save('model.keras')"
        )
    unknown = [f"{name!r} (layer {layer!r})" for name, layer in foreign.items() if name in message]
    if not unknown:
        return None
    return (
        f"it needs the class {', '.join(unknown)}: register it with @keras.saving.register_keras_serializable() "
        "in a Python file and give that with --custom"
    )


def objects_in(value: object, layer: str = "model") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object in a configuration with the name of the layer that it belongs to."""
    if isinstance(value, dict):
        config = value.get("config")
        if isinstance(value.get("class_name"), str):
            name = config.get("name") if isinstance(config, dict) else None
            layer = name if isinstance(name, str) else layer
            yield layer, value
        elif value.keys() == {"value"} and isinstance(value["value"], list):  # a lambda given as an activation
            yield layer, {"class_name": "__lambda__"}
        for inner in value.values():
            yield from objects_in(inner, layer)
    elif isinstance(value, list):
        for inner in value:
            yield from objects_in(inner, layer)
