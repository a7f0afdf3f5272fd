"""Recurrent layers step by step, where the number of steps is known: integers do not go through loops."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, NoReturn

import keras

from .keras_functions import Decorator

# Each step is some thirty operators. Of one LSTM, 64 steps take 4 times as long to trace and to convert as the loop
# (2 s each, and as much for every recipe), 128 take 7 times and add 260 kB to every file; a second layer, or a second
# direction, as much again. Beyond, a loop is the lesser evil, which TFLite has in float alone.
MOST_STEPS = 128


def unrolled(rnn: Callable[..., Any]) -> Callable[..., Any]:
    """Return Keras' loop over the steps of a sequence, written out if there are at most `MOST_STEPS` of them."""

    def call(*given: Any, **named: Any) -> Any:  # noqa: ANN401
        bound = signature(rnn).bind(*given, **named)
        bound.apply_defaults()
        options = bound.arguments
        steps = keras.tree.flatten(options["inputs"])[0].shape[0 if options["time_major"] else 1]
        # A loop alone stops at a length that is computed.
        if steps is not None and steps <= MOST_STEPS and isinstance(options["input_length"], int | None):
            options["unroll"] = True
        return rnn(*bound.args, **bound.kwargs)

    return call


def _without_cudnn(_: object) -> Callable[..., NoReturn]:
    def call(*_: object, **__: object) -> NoReturn:
        # As Keras raises it on a machine without a GPU: the layer goes on with the function above.
        raise NotImplementedError

    return call


FUNCTIONS: Mapping[str, Decorator] = {
    "keras.src.backend:rnn": unrolled,
    "keras.src.backend:lstm": _without_cudnn,
    "keras.src.backend:gru": _without_cudnn,
}
