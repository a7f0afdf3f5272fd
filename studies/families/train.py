"""Training of the families' networks on Fashion-MNIST, each for as many epochs as `families.py` says.

    python -m studies.families.train [FAMILY ...] [--data FOLDER]

A network is trained as `edgeproof train --model` would, with its record beside it, and never twice: one that would come
out the same today is kept, and a training that was cut off goes on.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf
from edgeproof.datasets.training_record import MODEL_NAME
from edgeproof.train.architecture import Architecture
from edgeproof.train.checkpoint_files import unfinished
from edgeproof.train.fingerprint import identity, settings_sha256
from edgeproof.train.run import train

from ..commands import one_line_errors
from ..trainings import recorded_sha256
from .arguments import family_arguments, parse
from .families import FAMILIES, PRESET
from .images import load_images

NETWORKS = Path(__file__).with_name("networks.py")


def ensure_trained(name: str, folder: Path, data: Path) -> Path:
    """Train a family's network, unless it is there, and return its `.keras` file.

    Args:
        name: Of the family.
        folder: For the file and its record.
        data: Folder of the IDX files.

    Raises:
        EdgeproofError: As for `edgeproof.train.run.train`.
    """
    # Gives the same weights again; and Keras does not use XLA then, which trains convolutions far slower on a CPU.
    tf.config.experimental.enable_op_determinism()
    family, chosen = FAMILIES[name], architecture(name)
    images, options = load_images(data, colour=family.colour), family.options()
    keras.utils.set_random_seed(options.seed)
    model = chosen.build(images.image_shape, len(images.classes))
    if recorded_sha256(folder) != settings_sha256(identity(images, chosen, model, options, ())):
        resume = unfinished(folder)
        train(images, folder, architecture=chosen, options=options, resume=resume, progress=sys.stdout)
    return folder / MODEL_NAME


def architecture(name: str) -> Architecture:
    """Return the architecture of a family."""
    if name == PRESET:
        return Architecture()
    # It is in the digest of a training's settings, and another checkout's is the same.
    return Architecture(preset=None, builder=f"{os.path.relpath(NETWORKS)}:{name}")


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Train the families that are named, one after the other."""
    options = parse(family_arguments("families.train", __doc__), arguments)
    for name in options.family:
        ensure_trained(name, options.runs / name, options.data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
