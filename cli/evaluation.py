"""What `--data` stands for where a bundle is tested."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..datasets.dataset import Dataset
    from ..datasets.evaluation import EvaluationImages
    from ..runtime.bundle.manifest import Manifest


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
        name: ``"mnist"`` or ``"fashion-mnist"``, an `.npz` file, a folder of IDX files or of pictures; None for the
            built-in set that the model was trained on, or for MNIST if the bundle is of digits. Of data without a test
            part those images are taken that were kept from the training, if the bundle says which these are.
        bundle: The bundle's folder, whose manifest says which images it takes.

    Raises:
        InvalidFileError: The bundle or the images are missing or broken.
        SpecMismatchError: They do not fit each other.
    """
    from ..datasets.builtin import BUILT_IN
    from ..datasets.evaluation import read_images
    from ..datasets.loading import load_data
    from ..datasets.recorded_split import find_recorded_split
    from ..runtime.bundle.reader import read_manifest

    manifest = read_manifest(bundle)
    chosen = _default(manifest) if name is None else name
    if chosen in BUILT_IN:
        return _test_part(load_data(chosen), manifest)
    path = Path(chosen)
    known = find_recorded_split(path, manifest)
    if known is not None:
        return _test_part(known, manifest)
    found = read_images(path, manifest)
    if found.meant_for_tests:
        return found
    remark = (
        "nothing vouches that the model has not learned from these images: they are no test part, and not the data "
        "that the bundle says it was trained on"
    )
    return replace(found, remarks=(*found.remarks, remark))


def _default(manifest: "Manifest") -> str:
    """Return the built-in set that a bundle is tested on where nobody says which."""
    from ..datasets.builtin import BUILT_IN
    from ..runtime.errors import SpecMismatchError

    if manifest.data is not None and manifest.data.name in BUILT_IN and manifest.data.test_share is None:
        return manifest.data.name
    # Also where the data is the user's own: digits can be tested on MNIST, whatever they were learned from.
    if manifest.classes == tuple("0123456789"):
        return "mnist"
    named = ", ".join(manifest.classes[:3])
    raise SpecMismatchError(f"the bundle's classes are {named}, …: name its test images with --data (mnist, say)")


def _test_part(data: "Dataset", manifest: "Manifest") -> "EvaluationImages":
    from ..datasets.evaluation import EvaluationImages

    return EvaluationImages(
        name=data.name, images=data.x_test, labels=data.y_test, classes=manifest.classes, remarks=data.remarks
    )
