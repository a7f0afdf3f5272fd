"""Layer names while a model is traced: numbers, which converters keep, and which lead back to the user's own names."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from ...inspection.tensor_names import as_layer_name, join_name

# The name of the model that `reference.serving` makes: its layers are not the user's.
SERVING_NAME = "serving"

# A layer's number, and how often its scope was opened before: `ep7ep_1`.
_NUMBERED = re.compile(r"(?<![A-Za-z0-9])ep(\d+)ep(?:_\d+)?(?![A-Za-z0-9])")
_PATH = re.compile(rf"(?:{_NUMBERED.pattern}/)*{_NUMBERED.pattern}")


class LayerNames:
    """The user's names of a model's layers, for what converters make of the numbers that layers have while traced.

    Args:
        names: By number; no two are equal.
        output: The number of the layer that gives the model's output, whose tensor converters name otherwise.
        kernels: The numbers of layers with a kernel: what is fused with one of them is named after it.
    """

    def __init__(self, names: Sequence[str], output: int | None = None, kernels: Collection[int] = ()) -> None:
        self._names = tuple(names)
        self._kernels = frozenset(self._names[number] for number in kernels)
        self.output_layer = None if output is None else self._names[output]

    def layer_of(self, name: str) -> str | None:
        """Return the layer that a converter's tensor or node is named after; None for one of no layer.

        Of several names that were fused, divided by semicolons, that of a layer with a kernel counts, otherwise the
        last.
        """
        parts = self._parts(name)
        return parts[0][0] if parts else None

    def readable(self, name: str) -> str:
        """Return a name in the form of `inspection.tensor_names`; a name of no layer stays.

        >>> LayerNames(["model", "conv", "relu"]).readable("ep0ep/ep2ep/Relu;ep0ep/ep1ep/Conv2D")
        'conv//Conv2D;relu//Relu'
        """
        return join_name(self._parts(name)) or name

    def distinct(self, kept: Iterable[str] = ()) -> Callable[[str], str]:
        """Return a function like `readable` that keeps different names different, and leaves those of `kept`."""
        given = {name: name for name in ("", *kept)}
        met = Counter(given.keys())

        def distinct(name: str) -> str:
            if name not in given:
                readable = self.readable(name)
                met[readable] += 1
                given[name] = readable if met[readable] == 1 else f"{readable} #{met[readable]}"
            return given[name]

        return distinct

    def translate(self, text: str) -> str:
        """Return a converter's message with the user's names in place of numbers; of a path only the last.

        >>> LayerNames(["model", "conv"]).translate('"ep0ep/ep1ep_1/Conv2D" failed')
        '"conv/Conv2D" failed'
        """
        return _PATH.sub(lambda found: self._named(found[0]) or found[0], text)

    def first_in(self, message: str) -> str | None:
        """Return the layer of the first operator that a message names, or of the first layer; None without any."""
        paths = [self._named(found[0]) for found in _PATH.finditer(message)]
        return next((name for name in paths if name), None)

    def _parts(self, name: str) -> list[tuple[str, str]]:
        """Return the layers of a name with their operators, the layer that it is named after first."""
        operators: dict[str, str] = {}
        for part in reversed(name.split(";")):
            found = list(_NUMBERED.finditer(part))
            layer = self._named(found[-1][0]) if found else None
            if layer:
                operators.setdefault(layer, part[found[-1].end() :].strip("/_"))
        return sorted(operators.items(), key=lambda part: part[0] not in self._kernels)

    def _named(self, path: str) -> str | None:
        number = int(list(_NUMBERED.finditer(path))[-1][1])
        return self._names[number] if number < len(self._names) else None


@contextmanager
def numbered_layers(model: keras.Model) -> Generator[LayerNames]:
    """Give the layers of a model numbers for names, in the block, so that converters keep them apart.

    Converters refuse names with spaces, and mix up equal names and those that end in a number. Operations of functional
    models that are no layers, such as ``keras.ops.exp(x)``, get a scope with a number as well.
    """
    operations: list[Any] = list(model._flatten_layers())
    operations += _bare_operations(operations)
    with ExitStack() as undo:
        last = output_operation(model)
        output = next((number for number, operation in enumerate(operations) if operation is last), None)
        kernels = [number for number, operation in enumerate(operations) if _has_kernel(operation)]
        names = LayerNames(_unique_names(operations), output, kernels)
        owners: dict[int, tuple[Any, str]] = {}
        for number, operation in enumerate(operations):
            name = f"ep{number}ep"
            if not isinstance(operation, keras.layers.Layer):
                _put_in_scope(operation, name, undo)
                continue
            undo.callback(setattr, operation, "name", operation.name)
            operation.name = name
            # Inner layers come behind those around them, and are the owners.
            owners |= {id(variable): (variable, name) for variable in operation.variables}
        for place, (variable, name) in enumerate(owners.values()):
            _rename_variable(variable, f"{name}/{place}", undo)
        yield names


def _put_in_scope(operation: Any, name: str, undo: ExitStack) -> None:  # noqa: ANN401
    before = vars(operation).get("call")  # set in a block around this one
    undo.callback(setattr, operation, "call", before) if before else undo.callback(delattr, operation, "call")
    operation.call = partial(_in_scope, name, operation.call)


def _in_scope(name: str, call: Callable[..., Any], *args: Any, **options: Any) -> Any:  # noqa: ANN401
    with tf.name_scope(name):
        return call(*args, **options)


def _rename_variable(variable: keras.Variable, name: str, undo: ExitStack) -> None:
    """Rename the TensorFlow variable of a Keras one: it was named after the path of its layer when it was made."""
    held: Any = variable.value
    if hasattr(held, "_handle_name"):
        undo.callback(setattr, held, "_handle_name", held._handle_name)
        held._handle_name = f"{name}:0"


def _bare_operations(layers: Iterable[Any]) -> Iterator[Any]:
    """Yield the operations of functional models that are no layers, each once."""
    seen: set[int] = set()
    for layer in layers:
        for operation in getattr(layer, "operations", ()) if isinstance(layer, keras.Model) else ():
            if not isinstance(operation, keras.layers.Layer) and id(operation) not in seen:
                seen.add(id(operation))
                yield operation


def _has_kernel(operation: Any) -> bool:  # noqa: ANN401
    own = (*getattr(operation, "_trainable_variables", ()), *getattr(operation, "_non_trainable_variables", ()))
    return any(len(variable.shape) > 1 for variable in own)


def output_operation(model: Any) -> Any:  # noqa: ANN401
    """Return the operation that gives a model's output, within inner models; a model of own code stands for itself."""
    while isinstance(model, keras.Model) and getattr(model, "outputs", None):
        model = model.outputs[0]._keras_history.operation
    return model


def _unique_names(operations: Sequence[Any]) -> list[str]:
    """Return each one's own name, or where that is taken its path from the user's model, with a count at the worst."""
    parents: dict[int, Any] = {}
    for operation in operations:
        for child in (*getattr(operation, "_layers", ()), *getattr(operation, "operations", ())):
            parents.setdefault(id(child), operation)
    outer = operations[0]
    # What is around the user's model is not in its paths.
    around = {id(outer), *(id(inner) for inner in outer.layers if outer.name == SERVING_NAME and _is_model(inner))}

    def path(operation: Any) -> Iterator[str]:  # noqa: ANN401
        parent = parents.get(id(operation))
        if parent is not None and id(parent) not in around:
            yield from path(parent)
        yield as_layer_name(operation.name)

    short = [as_layer_name(operation.name) for operation in operations]
    counts = Counter(short)
    long = [name if counts[name] == 1 else "/".join(path(one)) for name, one in zip(short, operations, strict=True)]
    met = Counter[str]()
    unique = []
    for name in long:
        met[name] += 1
        unique.append(name if met[name] == 1 else f"{name} #{met[name]}")
    return unique


def _is_model(layer: Any) -> bool:  # noqa: ANN401
    return isinstance(layer, keras.Model)
