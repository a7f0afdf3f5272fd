"""Runs the Python file that registers a user's own layers."""

import importlib.util
import itertools
import sys
from pathlib import Path

from ...runtime.errors import InvalidFileError, foreign_errors
from ...runtime.io.files import check_file

_count = itertools.count()


def run_custom(custom: Path) -> None:
    """Run a Python file as an import does: it finds modules beside it, and knows its own name.

    Raises:
        InvalidFileError: It is missing, not a Python file, or raises.
    """
    check_file(custom, "Python file (--custom)")
    spec = importlib.util.spec_from_file_location(f"_edgeproof_custom_{next(_count)}", custom)
    if spec is None or spec.loader is None:
        raise InvalidFileError(f"{custom} is not a Python file; its name must end in .py")
    sys.path.insert(0, str(custom.parent.absolute()))  # as for a script: modules beside it can be imported
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # as import does; dataclasses look themselves up there
    with foreign_errors(InvalidFileError, f"{custom} cannot be run", caught=(Exception, SystemExit), named=True):
        spec.loader.exec_module(module)
