"""The child process of a trial: it runs an unknown model until it has answered, or died."""

import math
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np

from ..bundle.recipes import Format
from ..errors import EdgeproofError, one_line
from .engine import Engine, load_engine, noise, run_each

BEGUN, SURVIVED = "begun", "survived"

# The address space for a trial: interpreter and engine, and a multiple of the file, as engines keep copies of weights.
_BYTES, _BYTES_PER_BYTE = 3 * 2**30, 16
_BYTES_PER_THREAD = (8 + 64) * 2**20  # a stack, and an arena to allocate in


def main(
    model_format: str,
    data_folder: str | None,
    seconds: float,
    threads: int,
    package: str | None = None,
    kernels: str | None = None,
) -> NoReturn:
    """Load the model on standard input in its engine, and run it; does not return."""

    def attempt(model: bytes) -> None:
        engine = load_engine(
            model,
            Format(model_format),
            package=package,
            kernels=kernels,
            threads=threads,
            data_folder=None if data_folder is None else Path(data_folder),
        )
        _try(engine)

    serve_trial(attempt, seconds=seconds, own_bytes=_BYTES + _BYTES_PER_THREAD * threads)


def serve_trial(attempt: Callable[[bytes], None], *, seconds: float, own_bytes: int | None = None) -> NoReturn:
    """Let `attempt` have the model on standard input, and tell standard output; the whole of a child process.

    What it writes is the line `BEGUN`, and after it `SURVIVED`, or two lines: an error's class and its message.

    Args:
        attempt: Loads and runs a model.
        seconds: After so many the process ends.
        own_bytes: The address space that it needs beside the copies of the model; None for no limit.
    """
    model = sys.stdin.buffer.read()
    # Native code prints as well: that must not pass for an answer.
    with os.fdopen(os.dup(1), "wb", buffering=0) as parent:
        os.dup2(2, 1)
        _limit(None if own_bytes is None else own_bytes + _BYTES_PER_BYTE * len(model), seconds)
        _tell(parent, BEGUN)
        try:
            attempt(model)
            _tell(parent, SURVIVED)
        except EdgeproofError as error:
            _tell(parent, type(error).__name__, one_line(error))
        except MemoryError:
            _tell(parent, "InvalidFileError", "the model needs too much memory")
        # What a hostile file makes our own code raise must not be raised in the parent either.
        except Exception as error:
            _tell(parent, "InvalidFileError", f"the model cannot be run: {type(error).__name__}: {one_line(error)}")
    os._exit(0)  # ending in order takes an interpreter longer than all of the above


def _tell(parent: BinaryIO, *lines: str) -> None:
    parent.write("".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))


def _limit(address_space: int | None, seconds: float) -> None:
    """Keep a model from filling the memory, leaving a dump, or outliving a parent that was killed."""
    if sys.platform == "win32":
        import msvcrt

        # No window that asks what to do about a crash.
        msvcrt.SetErrorMode(msvcrt.SEM_FAILCRITICALERRORS | msvcrt.SEM_NOGPFAULTERRORBOX)
        return
    import resource

    for limit, wanted in ((resource.RLIMIT_AS, address_space), (resource.RLIMIT_CORE, 0)):
        if wanted is None:
            continue
        with suppress(ValueError, OSError):  # some systems know a limit and cannot set it
            _, hard = resource.getrlimit(limit)
            allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(limit, (allowed, hard))
    signal.alarm(math.ceil(seconds) + 1)


def _try(engine: Engine) -> None:
    """Run the model on a few images."""
    shape = _image_shape(engine)
    if shape is None:  # no classifier can be made of it
        return
    run_on_noise(engine, shape)


def run_on_noise(engine: Engine, shape: tuple[int, ...]) -> None:
    """Run a model on images of a shape (H, W, C): black, white, and of noise."""
    for pixels in (np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8), noise(shape), noise(shape)):
        run_each(engine, pixels[np.newaxis])


def _image_shape(engine: Engine) -> tuple[int, ...] | None:
    """Return what one image of this model has; the file's description knows what its input leaves open."""
    if None not in engine.input.shape[1:]:
        return tuple(size or 0 for size in engine.input.shape[1:])
    from ..bundle.model_metadata import DESCRIPTION_KEY, parse_description

    text = engine.metadata.get(DESCRIPTION_KEY)
    return None if text is None else parse_description(text).image.shape
