from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime import Classifier, UnknownNameError
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.pretrained import PRETRAINED, find_pretrained


@pytest.mark.parametrize("name", PRETRAINED)
def test_it_is_a_small_bundle_with_one_int8_file(name: str) -> None:
    folder = find_pretrained(name)
    manifest = read_manifest(folder)
    [variant] = manifest.variants
    assert variant.name == "static_wi8_ai8.tflite"
    assert (folder / variant.file).stat().st_size <= {"mnist": 25_000, "mnist-tiny": 10_000}[name]
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 40_000
    assert manifest.preprocessing.method == "digit"
    assert manifest.reference.accuracy is not None
    assert manifest.reference.accuracy > 0.99


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown model 'cifar'; possible: mnist, mnist-tiny"):
        find_pretrained("cifar")


@pytest.mark.needs("tflite")
@pytest.mark.parametrize("name", PRETRAINED)
def test_it_reads_mnist(files: Path, name: str) -> None:
    """They get 99 % and more of all test images right; of 500, 97 % is four standard errors below."""
    data = Path(__file__).parents[2] / "data" / "mnist.npz"
    if not data.is_file():
        pytest.skip("the tests of a wheel have no data")
    with np.load(data) as mnist:
        images, labels = mnist["x_test"][:500], mnist["y_test"][:500]
    found = Classifier.load(name).probabilities(images).argmax(axis=1)
    assert np.mean(found == labels) >= 0.97
