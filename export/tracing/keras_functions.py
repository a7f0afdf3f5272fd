"""Keras' own functions, decorated for the length of a block: every spelling of an operation ends in one of them.

A layer, its `activation=`, `keras.activations`, `keras.ops` in a functional graph or in a custom layer: with the
TensorFlow backend each calls the same function of `keras.src.backend.tensorflow` or of `keras.src.ops`. Keras 3.15.1
was looked at. A function that another version does not have is passed over, and its operation converted as it was.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from operator import attrgetter
from threading import RLock
from typing import Any

# Takes Keras' function, and returns the one in its place: with the same arguments, and the same numbers.
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

# Two threads that each put back what they found would leave the function of one of them behind.
_LOCK = RLock()


@contextmanager
def decorated(decorators: Mapping[str, Decorator]) -> Generator[None]:
    """Decorate functions for the block; they are named as ``"package.module:function"`` or ``"...:Class.method"``."""
    with _LOCK, ExitStack() as undo:
        for name, decorator in decorators.items():
            try:
                owner, attribute = find_owner(name)
            except (ImportError, AttributeError):
                continue
            before = vars(owner)[attribute]
            after = decorator(getattr(owner, attribute))
            undo.callback(partial(setattr, owner, attribute, before))
            setattr(owner, attribute, staticmethod(after) if isinstance(before, staticmethod) else after)
        yield


def find_owner(name: str) -> tuple[Any, str]:
    """Return the module or class that holds a function, and its name there.

    Raises:
        ImportError: There is no such module.
        AttributeError: It has no such function, or the class inherits it.
    """
    module_name, _, path = name.partition(":")
    *classes, attribute = path.split(".")
    module = import_module(module_name)
    owner = attrgetter(".".join(classes))(module) if classes else module
    if attribute not in vars(owner):
        raise AttributeError(f"{module_name} has no {path}")
    return owner, attribute
