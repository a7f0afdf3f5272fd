"""What `--data` stands for where a bundle is tested."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..benchmarks.images import EvaluationImages


def beside(bundle: Path) -> Path:
    """Return the folder that a bundle lies in, also where it is named ``.``."""
    return bundle.parent if bundle.name else bundle.absolute().parent


def original_of(options: Namespace) -> Path:
    """Return the `.keras` file that a bundle was exported from, as `--reference` says or where it lies by default."""
    bundle = options.bundle if "bundle" in options else options.subject
    return options.reference or beside(bundle) / "model.keras"


def evaluation_images(name: str | None, bundle: Path) -> "EvaluationImages":
    """Return the images that a bundle is to be tested on.

    Args:
        name: ``"mnist"``, an `.npz` file, or a folder of pictures; None for MNIST if the bundle is of digits.
        bundle: The bundle's folder, whose manifest says which images it takes.

    Raises:
        InvalidFileError: The bundle or the images are missing or broken.
        SpecMismatchError: They do not fit each other.
    """
    from ..benchmarks.images import EvaluationImages, read_images
    from ..runtime.errors import SpecMismatchError
    from ..runtime.manifest_reader import read_manifest

    manifest = read_manifest(bundle)
    if name is None and manifest.classes != tuple("0123456789"):
        named = ", ".join(manifest.classes[:3])
        raise SpecMismatchError(f"the bundle's classes are {named}, …: name its test images with --data (mnist, say)")
    if name is not None and name != "mnist":
        return read_images(Path(name), manifest)
    from ..train.data import load_mnist

    mnist = load_mnist()
    return EvaluationImages(name="mnist", images=mnist.x_test, labels=mnist.y_test, classes=manifest.classes)
