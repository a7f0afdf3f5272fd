"""Quantizes a folder's `float32.tflite` to `int8.tflite`; run by a Python with litert-quantizer, and nothing of ours.

    python -P litert_quantizer_script.py FOLDER

The folder also holds `images.npy`: uint8 of shape (N, H, W, C).
"""

import sys
from pathlib import Path

import numpy as np
from litert_quantizer import quantizer, recipe  # pyright: ignore[reportAttributeAccessIssue, reportMissingImports]

folder = Path(sys.argv[1])
engine = quantizer.Quantizer(folder / "float32.tflite", recipe.static_wi8_ai8())
images = np.load(folder / "images.npy")
signature = {"serving_default": [{"image": image[np.newaxis].astype(np.float32)} for image in images]}
# Its own calibration: a moving average of each image's least and largest values.
calibration = engine.calibrate(signature, num_threads=1)
made = engine.quantize(calibration, enable_progress_bar=False, enable_progress_report=False)
(folder / "int8.tflite").write_bytes(bytes(made.quantized_model))
