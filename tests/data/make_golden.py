"""Make the golden files that the runtime's tests use where TensorFlow is not installed.

    python tests/data/make_golden.py

trains a model of 9,298 parameters on MNIST for two epochs, exports it to tests/data/golden, and saves three test
digits as image files. The digits are MNIST's; see data/NOTICE. Training goes on with other seeds until the int8 file's
golden answers differ between the usual kernels and the plain ones, so that tests can tell them apart.
"""

from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
from edgeproof.datasets.dataset import Dataset
from edgeproof.datasets.loading import load_data
from edgeproof.datasets.stratify import validation_split
from edgeproof.export.bundle import export_bundle
from edgeproof.export.options import ExportOptions
from edgeproof.train.fit import fit
from edgeproof.train.options import FitOptions
from keras import layers
from PIL import Image

HERE = Path(__file__).parent


def main() -> None:
    data = load_data("mnist")
    for seed in count(1):
        make_bundle(data, HERE / "golden", seed)
        if kernels_differ(HERE / "golden"):
            break
    seven, two, one = data.x_test[:3, :, :, 0]
    Image.fromarray(seven).save(HERE / "seven.png")
    Image.fromarray(np.kron(two, np.ones((4, 4), np.uint8))).save(HERE / "two.jpg", quality=90)
    Image.merge("RGB", [Image.fromarray(one)] * 3).save(HERE / "one.png")


def make_bundle(data: Dataset, out: Path, seed: int) -> None:
    with TemporaryDirectory() as folder:
        keras.utils.set_random_seed(seed)
        model = tiny_model()
        options = FitOptions(epochs=2, augmentation=0.0, learning_rate=1e-2, seed=seed)
        fit(model, data, options)
        model.save(Path(folder, "tiny.keras"))
        held_out, _ = validation_split(data, options.validation_share, options.seed)
        export_bundle(Path(folder, "tiny.keras"), data, out, ExportOptions(held_out=tuple(held_out.tolist())))


def kernels_differ(bundle: Path) -> bool:
    with np.load(bundle / "golden.npz") as vectors:
        usual, plain = (vectors[f"static_wi8_ai8.tflite{kernels}"] for kernels in ("", "/reference_kernels"))
    return bool((usual != plain).any())


def tiny_model() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="image"),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 5, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ],
        name="tiny",
    )


if __name__ == "__main__":
    main()
