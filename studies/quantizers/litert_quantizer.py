"""litert-quantizer, in an environment of its own: it wants another version of LiteRT than the tested set."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
from edgeproof.runtime.errors import CheckFailedError
from edgeproof.runtime.io.child import run_child
from edgeproof.runtime.io.locked_folder import scratch_folder
from edgeproof.runtime.io.processes import describe_exit
from numpy.typing import NDArray

VERSION = "0.11.0"
TITLE = "litert-quantizer"
_SCRIPT = Path(__file__).with_name("litert_quantizer_script.py")


def ensure_environment(folder: Path) -> Path:
    """Return the Python of a folder with the package, which is installed unless it is there.

    Raises:
        CheckFailedError: It cannot be installed; the message is pip's own.
    """
    names = {"base": str(folder), "platbase": str(folder)}
    python = Path(sysconfig.get_path("scripts", "venv", vars=names), "python")
    wanted = f"{TITLE}=={VERSION}"
    if python.exists() and subprocess.run([python, "-c", "import litert_quantizer"], check=False).returncode == 0:
        return python
    sys.stdout.write(f"$ {python} -m pip install {wanted}\n")
    sys.stdout.flush()
    venv.create(folder, with_pip=True, clear=True)
    _run([python, "-m", "pip", "install", "--quiet", wanted])
    return python


def quantize(python: Path, model: bytes, images: NDArray[np.uint8]) -> bytes:
    """Return the static int8 file of a float32 one, by the recipe `static_wi8_ai8` and calibration of the package.

    Args:
        python: That has the package; see `ensure_environment`.
        model: A TFLite file that takes pixels, 0-255, as float32.
        images: To calibrate on, uint8 of shape (N, H, W, C).

    Raises:
        CheckFailedError: It cannot quantize this model; the message is its own.
    """
    with scratch_folder() as folder:
        (folder / "float32.tflite").write_bytes(model)
        np.save(folder / "images.npy", images)
        # Without the script's folder on the path, where this module has the package's name.
        _run([python, "-P", _SCRIPT, folder])
        return (folder / "int8.tflite").read_bytes()


def _run(command: list[str | Path]) -> None:
    done = run_child(command, stdout=subprocess.DEVNULL, text=True)
    if done.returncode:
        raise CheckFailedError(f"{TITLE} {describe_exit(done.returncode, done.stderr)}")
