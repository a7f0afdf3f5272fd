"""Weights files: pretrained weights of a network of keras.applications, in any of the forms that Keras saves."""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras

from ...runtime.errors import InvalidFileError, foreign_errors, one_line
from ...runtime.io.files import check_file

_WHOLE, _WEIGHTS = ".keras", (".h5", ".hdf5")


def load_weights(backbone: keras.Model, path: Path, network: str) -> None:
    """Set the weights of a backbone from a file.

    Args:
        backbone: A network of keras.applications without its top.
        path: A `.keras` file of the network, or of any model that has it inside, such as an earlier training's; or an
            HDF5 file of the network without its top: Keras 3's `.weights.h5`, or `.h5` as keras.applications offers it.
        network: Its name in keras.applications, for messages.

    Raises:
        InvalidFileError: The file cannot be read, or is of another network.
    """
    check_file(path, "weights file (--weights)")
    problem = f"{path} does not hold the weights of {network} without its top"
    if path.suffix == _WHOLE:
        with foreign_errors(InvalidFileError, f"{path} is not a Keras model that can be read", caught=(Exception,)):
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
        _copy(model, backbone, problem)
    elif path.suffix in _WEIGHTS:
        with (
            foreign_errors(InvalidFileError, problem, caught=(Exception,)),
            warnings.catch_warnings(record=True) as told,
        ):
            warnings.simplefilter("always")
            backbone.load_weights(path)
        for warning in told:
            if "retain their freshly-initialized weights" in str(warning.message):
                raise InvalidFileError(f"{problem}: {one_line(str(warning.message))}")
    else:
        raise InvalidFileError(f"weights are in files *{_WHOLE} or *{' or *'.join(_WEIGHTS)}, got {path}")


def _copy(model: keras.Model, backbone: keras.Model, problem: str) -> None:
    """Copy the weights of the layers in `model`, one after the other, that are like those of the backbone."""
    wanted, given = [*_leaves(backbone)], [*_leaves(model)]
    kinds, found = [_kind(layer) for layer in wanted], [_kind(layer) for layer in given]
    starts = (start for start in range(len(found) - len(kinds) + 1) if found[start : start + len(kinds)] == kinds)
    begin = next(starts, None)
    if begin is None:
        raise InvalidFileError(f"{problem}: {_difference(wanted, given)}")
    for layer, source in zip(wanted, given[begin:], strict=False):
        layer.set_weights(source.get_weights())


def _leaves(model: keras.Model) -> Iterator[keras.Layer]:
    """Yield the layers that have weights in the order of the graph, those of models inside in their place."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        elif layer.weights:
            yield layer


def _kind(layer: keras.Layer) -> tuple[object, ...]:
    """Return what two layers must share so that one can have the other's weights; names are counted by Keras."""
    return type(layer).__name__, *(tuple(weight.shape) for weight in layer.weights)


def _difference(wanted: Sequence[keras.Layer], given: Sequence[keras.Layer]) -> str:
    for layer, other in zip(wanted, given, strict=False):
        if _kind(layer) != _kind(other):
            one, two = (f"{kind[0]} of {', '.join(map(str, kind[1:]))}" for kind in (_kind(layer), _kind(other)))
            return f"in the place of its layer {layer.name}, {one}, is {other.name}, {two}"
    return f"it has {len(wanted)} layers with weights, the file {len(given)}"
