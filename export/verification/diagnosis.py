"""Diagnosis of a file that does not ship: the layer where it goes wrong, and what to do."""

from collections.abc import Callable
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from ...inspection.explain.causes import find_causes
from ...inspection.explain.commands import Commands
from ...inspection.explain.refusals import refused_layers
from ...inspection.explain.run import explain_file
from ...runtime.bundle.recipes import Format
from ...runtime.errors import CheckFailedError, EdgeproofError, InvalidFileError, one_line

# More cost time, and say the same.
_IMAGES = 16
_NAMED = 5
# Options alone: whoever reads the reason has typed the rest of the command.
_COMMANDS = Commands()


def diagnosed(
    error: EdgeproofError, name: str, content: bytes, original: Callable[[], bytes], images: NDArray[np.uint8]
) -> str:
    """Return why a file does not ship, in one line, with the layer that is at fault and the option that helps.

    Args:
        error: Why: its answers are too far off, or the engine refuses it.
        name: Of the file, ``<recipe>.<format>``.
        content: The file.
        original: Gives the float32 file of the same format, with the names of layers.
        images: uint8 of shape (N, H, W, C), some of which are run.
    """
    reason, more = one_line(error), ""
    # A diagnosis that fails must not hide the reason.
    with suppress(EdgeproofError):
        match error:
            case CheckFailedError():
                more = _worst_layer(name, content, original(), images[:_IMAGES])
            case InvalidFileError() if name.endswith(f".{Format.TFLITE}"):
                more = _refused(reason, content, original())
            case _:
                pass
    return f"{reason}; {more}" if more else reason


def _worst_layer(name: str, content: bytes, original: bytes, images: NDArray[np.uint8]) -> str:
    found = explain_file(content, original, Format(name.rpartition(".")[2]), images, timed=False)
    findings = find_causes(name, found.operators, found.snr_db, _COMMANDS, {})
    if not findings:
        return ""
    worst = findings[0]
    return f"{worst.text}; {worst.action}: {worst.command.removeprefix(_COMMANDS.export()).strip()}"


def _refused(reason: str, content: bytes, original: bytes) -> str:
    layers = refused_layers(reason, content, original)
    if not layers:
        return ""
    listed = ", ".join(map(repr, layers[:_NAMED])) + (" and others" if len(layers) > _NAMED else "")
    return f"this is of layer{'s' * (len(layers) > 1)} {listed}; keep them in float: --recipes dynamic"
