"""The packages that bring engines, with their names for pip, Python and people."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ..bundle.recipes import Format
from ..errors import PYTHON_ERRORS, EngineMissingError, is_interruption, one_line
from ..io.shortage import shortage

_ADVICE = "edgeproof doctor says what fits this machine"


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A package that brings an engine.

    Attributes:
        name: Its name for pip.
        module: Its name for `import`.
        title: What people call it.
        engine: The engine's name for `load_engine`.
        runs: The files that it runs.
        extra: The extra of edgeproof that brings it.
        where: The machines to install it on; empty for the first choice.
    """

    name: str
    module: str
    title: str
    engine: str
    runs: Format
    extra: str
    where: str = ""

    @property
    def is_installed(self) -> bool:
        """Whether it is installed; nothing is imported."""
        return find_spec(self.module) is not None

    @property
    def version(self) -> str | None:
        """Its version; see `installed_version`."""
        return installed_version(self.name)

    def load(self, module: str = "") -> Any:  # noqa: ANN401  (a module; the engines' have no types)
        """Import it, or a module in it.

        Raises:
            EngineMissingError: It is installed but cannot be imported.
            EdgeproofError: There is not enough memory to import it.
        """
        try:
            return import_module(f"{self.module}.{module}" if module else self.module)
        # Native code that does not fit this NumPy or system raises AttributeError, SystemError or OSError as well.
        except PYTHON_ERRORS as error:
            if is_interruption(error):
                raise
            raise shortage(error, f"import {self.name}") or EngineMissingError(
                f"{self.name} is installed but cannot be imported: {one_line(error)[:200]}; {_ADVICE}"
            ) from error


LITERT = Package(
    name="ai-edge-litert",
    module="ai_edge_litert",
    title="LiteRT",
    engine="litert",
    runs=Format.TFLITE,
    extra="litert",
)
TFLITE_RUNTIME = Package(
    name="tflite-runtime",
    module="tflite_runtime",
    title="tflite-runtime",
    engine="litert",
    runs=Format.TFLITE,
    extra="tflite",
    where="on 32-bit ARM",
)
ONNX_RUNTIME = Package(
    name="onnxruntime",
    module="onnxruntime",
    title="ONNX Runtime",
    engine="onnxruntime",
    runs=Format.ONNX,
    extra="onnx",
)

PACKAGES = (LITERT, TFLITE_RUNTIME, ONNX_RUNTIME)  # first choice first


def installed_packages(model_format: Format) -> tuple[Package, ...]:
    """Return the installed packages that run this format, first choice first; nothing is imported."""
    return tuple(package for package in PACKAGES if package.runs is model_format and package.is_installed)


def no_engine_message(formats: Iterable[Format]) -> str:
    """Say that no engine is installed for any of these formats, and what to install.

    >>> print(no_engine_message([Format.ONNX]))
    no engine for .onnx files is installed; pip install 'edgeproof[onnx]' (edgeproof doctor says what fits this machine)
    """
    wanted = frozenset(formats)
    fitting = [package for package in PACKAGES if package.runs in wanted]
    suffixes = " or ".join(dict.fromkeys(f".{package.runs}" for package in fitting))
    *others, last = [f"'edgeproof[{package.extra}]' {package.where}".rstrip() for package in fitting]
    extras = f"{', '.join(others)}, or {last}" if others else last
    return f"no engine for {suffixes} files is installed; pip install {extras} ({_ADVICE})"


def installed_version(name: str) -> str | None:
    """Return the version of an installed package by its name for pip; None where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # late: it takes as long as many predictions

    try:
        return version(name)
    except PackageNotFoundError:
        return None
