"""Keep the logs of native libraries off the terminal.

TensorFlow and LiteRT write to file descriptor 2 from C++, past Python, with no switch that silences all of it.
"""

import logging
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TextIO, cast

from .output import Output


@contextmanager
def hidden_native_logs(*, unless: bool) -> Generator[None]:
    """Send native code's file descriptor 2 to /dev/null, `unless` asked not to; `sys.stderr` still reaches the user."""
    if unless or not _is_real(sys.stderr):
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    visible = sys.stderr
    saved = os.dup(2)
    with open(os.devnull, "w") as nowhere, os.fdopen(os.dup(2), "w", buffering=1) as python_stderr:  # noqa: PTH123
        try:
            sys.stderr = cast("TextIO", Output(python_stderr))
            os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            sys.stderr = visible


def _is_real(stream: object) -> bool:
    try:
        return stream.fileno() == 2  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return False
