import threading

import keras
import pytest
from edgeproof.export.tracing.keras_functions import decorated, find_owner
from edgeproof.export.tracing.repairs import FUNCTIONS, INT16_FUNCTIONS
from keras.src import activations, backend

SOFTPLUS, MISH = "keras.src.backend.tensorflow.nn:softplus", "keras.src.activations.activations:Mish.static_call"
NAMES = sorted({name for functions in (*FUNCTIONS.values(), INT16_FUNCTIONS) for name in functions})


@pytest.mark.parametrize("name", NAMES)
def test_keras_has_every_function_that_is_repaired(name: str) -> None:
    """A new Keras may move one: its operation would be converted unrepaired, and nothing else would tell."""
    owner, attribute = find_owner(name)
    assert callable(getattr(owner, attribute))


def test_functions_and_static_methods_are_decorated_in_the_block_alone() -> None:
    before = backend.nn.softplus, vars(activations.activations.Mish)["static_call"]
    with decorated({SOFTPLUS: lambda own: lambda x: own(x) + 1, MISH: lambda _: lambda x: x + 5}):
        assert float(keras.ops.softplus(100.0)) == 101
        assert float(keras.activations.mish(3.0)) == 8
        assert float(activations.activations.Mish()(3.0)) == 8
    assert before == (backend.nn.softplus, vars(activations.activations.Mish)["static_call"])
    assert float(keras.ops.softplus(100.0)) == 100


def test_keras_is_as_before_after_an_error() -> None:
    before = backend.nn.softplus
    with pytest.raises(ZeroDivisionError), decorated({SOFTPLUS: lambda _: lambda x: x}):
        raise ZeroDivisionError
    assert backend.nn.softplus is before


def test_an_error_in_a_decorator_leaves_none_behind() -> None:
    before = backend.nn.softplus
    names = {SOFTPLUS: lambda _: lambda x: x, MISH: lambda _: 1 / 0}
    with pytest.raises(ZeroDivisionError), decorated(names):  # type: ignore[arg-type]
        pass
    assert backend.nn.softplus is before


@pytest.mark.parametrize("name", ["keras.src.nowhere:softplus", "keras.src.backend.tensorflow.nn:gone", f"{MISH}s"])
def test_what_this_keras_does_not_have_is_passed_over(name: str) -> None:
    with pytest.raises((ImportError, AttributeError)):
        find_owner(name)
    with decorated({name: lambda _: lambda x: x, SOFTPLUS: lambda _: lambda x: x}):
        assert float(keras.ops.softplus(-7.0)) == -7


def test_two_threads_leave_keras_as_it_was() -> None:
    before = backend.nn.softplus
    inside, may_leave = threading.Event(), threading.Event()

    def second() -> None:
        with decorated({SOFTPLUS: lambda _: lambda x: x}):
            inside.set()
            may_leave.wait(5)

    other = threading.Thread(target=second)
    with decorated({SOFTPLUS: lambda _: lambda x: x}):
        other.start()
        assert not inside.wait(0.2)
    may_leave.set()
    other.join(5)
    assert inside.is_set()
    assert backend.nn.softplus is before
