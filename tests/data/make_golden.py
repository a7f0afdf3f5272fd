"""Make the golden files that the runtime's tests use where TensorFlow is not installed.

    python tests/data/make_golden.py

trains a model of 9,298 parameters on MNIST for two epochs, exports it to tests/data/golden, and saves three test
digits as image files. The digits are MNIST's; see data/NOTICE.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
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
    with TemporaryDirectory() as folder:
        keras.utils.set_random_seed(1)
        model = tiny_model()
        options = FitOptions(epochs=2, augmentation=0.0, learning_rate=1e-2)
        fit(model, data, options)
        model.save(Path(folder, "tiny.keras"))
        held_out, _ = validation_split(data, options.validation_share, options.seed)
        chosen = ExportOptions(held_out=tuple(held_out.tolist()))
        export_bundle(Path(folder, "tiny.keras"), data, HERE / "golden", chosen)
    seven, two, one = data.x_test[:3, :, :, 0]
    Image.fromarray(seven).save(HERE / "seven.png")
    Image.fromarray(np.kron(two, np.ones((4, 4), np.uint8))).save(HERE / "two.jpg", quality=90)
    Image.merge("RGB", [Image.fromarray(one)] * 3).save(HERE / "one.png")


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
