"""Public names that a package imports when they are first asked for (PEP 562)."""

import sys
from collections.abc import Mapping
from importlib import import_module


def list_names(package: str, names: Mapping[str, str], *, extra: str = "") -> None:
    """Give a package its public names: set its ``__all__``, ``__dir__`` and ``__getattr__``.

    Type checkers read the same names in the package's ``if TYPE_CHECKING`` block.

    Args:
        package: The package's ``__name__``.
        names: Its public names, separated by spaces, by the module that has them: ``{".dataset": "Dataset Split"}``.
        extra: The extra of edgeproof that the `EngineMissingError` advises where one of these modules lacks a package.
    """
    module_of = {name: module for module, group in names.items() for name in group.split()}
    namespace = vars(sys.modules[package])

    def import_name(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            namespace[name] = getattr(import_module(module_of[name], package), name)
        except ModuleNotFoundError as error:
            from .errors import EngineMissingError

            advice = f"pip install 'edgeproof[{extra}]'" if extra else f"pip install {error.name}"
            raise EngineMissingError(f"{package}.{name} needs {error.name}; {advice}") from error
        return namespace[name]

    namespace["__all__"] = sorted(module_of)
    # Not what the package itself imports, but the packages in it that are loaded.
    namespace["__dir__"] = lambda: sorted(
        {*module_of, *(name for name in namespace if name.startswith("__") or f"{package}.{name}" in sys.modules)}
    )
    namespace["__getattr__"] = import_name
