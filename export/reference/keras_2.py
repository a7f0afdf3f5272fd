"""Configurations that Keras 2 wrote, as Keras 3 reads them: the same layers with the same numbers.

Seen in files of tf_keras 2.21 and read by Keras 3.15; what another version wrote passes unchanged.
"""

from collections.abc import Callable, Mapping
from typing import Any

from .configuration import objects_in

Config = Mapping[str, Any]


def as_keras_3(config: object) -> object:
    """Return a model's configuration for Keras 3; what that reads as it is stays equal.

    Slashes in the names of layers, which Keras 3 refuses, become underscores; what refers to a layer does so by its
    whole name. A name that is taken then gets a number.
    """
    names = {name for _, one in objects_in(config) if (name := _name_of(one)) is not None}
    renamed: dict[str, str] = {}
    for name in sorted(name for name in names if "/" in name):
        short = name.replace("/", "_")
        free = (short if number == 1 else f"{short}_{number}" for number in range(1, len(names) + 2))
        renamed[name] = next(one for one in free if one not in names and one not in renamed.values())
    return _converted(config, renamed)


def _name_of(one: Config) -> str | None:
    config = one.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    return name if isinstance(name, str) else None


def _converted(value: object, renamed: Mapping[str, str]) -> object:
    if isinstance(value, dict):
        if value.get("class_name") == "Policy" and (name := _name_of(value)) is not None:
            return name  # of a dtype policy, which Keras 3 knows by its name
        change = _CHANGES.get(str(value.get("class_name")))
        own = (
            {**value, "config": change(value["config"])} if change and isinstance(value.get("config"), dict) else value
        )
        return {key: _converted(inner, renamed) for key, inner in own.items()}
    if isinstance(value, list):
        return [_converted(inner, renamed) for inner in value]
    return renamed.get(value, value) if isinstance(value, str) else value


def _without_groups(config: Config) -> Config:
    return {key: value for key, value in config.items() if key != "groups" or value != 1}


def _separable(config: Config) -> Config:
    """Leave out what is of one kernel: there are two, whose own arguments stand beside."""
    of_one = {f"kernel_{what}" for what in ("initializer", "regularizer", "constraint")}
    return {key: value for key, value in _without_groups(config).items() if key not in of_one}


def _with_one_axis(config: Config) -> Config:
    match config.get("axis"):
        case [int(axis)]:
            return {**config, "axis": axis}
        case _:
            return config


def _with_one_tensor(config: Config) -> Config:
    """Take the one input and output of a model out of their lists: a layer behind it would be given a list."""
    changed = dict(config)
    for ends in ("input_layers", "output_layers"):
        match config.get(ends):
            case [[str(), int(), int()] as one]:
                changed[ends] = one
            case _:
                pass
    return changed


_CHANGES: Mapping[str, Callable[[Config], Config]] = {
    "BatchNormalization": _with_one_axis,
    "Conv1DTranspose": _without_groups,
    "Conv2DTranspose": _without_groups,
    "Functional": _with_one_tensor,
    "Model": _with_one_tensor,
    "DepthwiseConv1D": _without_groups,
    "DepthwiseConv2D": _without_groups,
    "SeparableConv1D": _separable,
    "SeparableConv2D": _separable,
}
