"""What `--data` stands for where a bundle is tested."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..benchmarks.images import EvaluationImages


def evaluation_images(name: str, bundle: Path) -> "EvaluationImages":
    """Return the images that a bundle is to be tested on.

    Args:
        name: ``"mnist"``, an `.npz` file, or a folder of pictures.
        bundle: The bundle's folder, whose manifest says which images it takes.

    Raises:
        InvalidFileError: The bundle or the images are missing or broken.
        SpecMismatchError: They do not fit each other.
    """
    from ..benchmarks.images import EvaluationImages, read_images
    from ..runtime.manifest_reader import read_manifest

    manifest = read_manifest(bundle)
    if name != "mnist":
        return read_images(Path(name), manifest)
    from ..train.data import load_mnist

    mnist = load_mnist()
    return EvaluationImages(name="mnist", images=mnist.x_test, labels=mnist.y_test, classes=manifest.classes)
